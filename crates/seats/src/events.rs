//! Reading the shards' event streams through one consumer group.
//!
//! An event is in its stream until it is acknowledged, so a stream's length says whether there is anything to do. Round trips
//! to the 64 streams go out together and share the connection.

use crate::keys::{self, SHARDS};
use crate::link::{Link, unavailable};
use crate::scripts::Scripts;
use domain::ports::seats::{EventPosition, SeatEvent, SeatEventKind, SeatsError};
use futures::future::join_all;
use redis::streams::{StreamAutoClaimReply, StreamId, StreamReadReply};
use redis::{RedisResult, Value, cmd};
use std::collections::BTreeMap;
use std::str::FromStr;

/// The consumer group. All readers share it, so each event goes to one of them.
const GROUP: &str = "drain";
/// Most ids in one call of a script; Lua's stack takes some thousands.
const IDS: usize = 1000;

pub(crate) async fn read(
    link: &Link,
    first_shard: u16,
    consumer: &str,
    max: usize,
    reclaim_after_ms: u64,
) -> Result<Vec<(EventPosition, SeatEvent)>, SeatsError> {
    let lengths = join_all((0..SHARDS).map(async |i| {
        let shard = (first_shard + i) % SHARDS;
        link.query::<u64>(cmd("XLEN").arg(keys::events(shard))).await.map(|length| (shard, length))
    }))
    .await;
    let mut open = Vec::new();
    for length in lengths {
        let (shard, length) = length.map_err(unavailable)?;
        if length > 0 {
            open.push(shard);
        }
    }

    let mut events = Vec::new();
    let mut left = max;
    while left > 0 && !open.is_empty() {
        open.truncate(left);
        let share = left / open.len();
        let batches =
            join_all(open.iter().map(async |&shard| (shard, read_shard(link, shard, consumer, share, reclaim_after_ms).await))).await;
        open.clear();
        for (shard, batch) in batches {
            let batch = match batch {
                Ok(batch) => batch,
                // What was read counts; what this shard handed out unseen comes again after `reclaim_after_ms`.
                Err(error) if !events.is_empty() => {
                    tracing::warn!(shard, %error, "events of one shard could not be read");
                    continue;
                }
                Err(error) => return Err(unavailable(error)),
            };
            left -= batch.len().min(left);
            if batch.len() >= share {
                open.push(shard);
            }
            events.extend(batch.into_iter().filter_map(|entry| decode(shard, entry)));
        }
    }
    Ok(events)
}

/// What others left lying first, then what nobody has read.
async fn read_shard(link: &Link, shard: u16, consumer: &str, count: usize, reclaim_after_ms: u64) -> RedisResult<Vec<StreamId>> {
    let stream = keys::events(shard);
    let mut claim = cmd("XAUTOCLAIM");
    claim.arg(&stream).arg(GROUP).arg(consumer).arg(reclaim_after_ms).arg("0-0").arg("COUNT").arg(count);
    let mut claimed = link.query::<StreamAutoClaimReply>(&claim).await;
    if claimed.as_ref().is_err_and(|e| e.code() == Some("NOGROUP")) {
        create_group(link, &stream).await?;
        claimed = link.query(&claim).await;
    }
    let mut entries = claimed?.claimed;
    if entries.len() < count {
        let mut read = cmd("XREADGROUP");
        read.arg("GROUP").arg(GROUP).arg(consumer).arg("COUNT").arg(count - entries.len());
        read.arg("STREAMS").arg(&stream).arg(">");
        // No answer at all when there is nothing new.
        let fresh: Option<StreamReadReply> = link.query(&read).await?;
        entries.extend(fresh.into_iter().flat_map(|reply| reply.keys).flat_map(|key| key.ids));
    }
    Ok(entries)
}

/// Begins at the stream's beginning: what happened before there was a reader counts too.
async fn create_group(link: &Link, stream: &str) -> RedisResult<()> {
    match link.query::<()>(cmd("XGROUP").arg("CREATE").arg(stream).arg(GROUP).arg("0").arg("MKSTREAM")).await {
        // Another reader was quicker.
        Err(error) if error.code() == Some("BUSYGROUP") => Ok(()),
        result => result,
    }
}

pub(crate) async fn acknowledge(link: &Link, scripts: &Scripts, positions: &[EventPosition]) -> Result<(), SeatsError> {
    let mut by_shard: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    for position in positions {
        by_shard.entry(position.shard % SHARDS).or_default().push(&position.id);
    }
    let calls = by_shard.iter().flat_map(|(&shard, ids)| ids.chunks(IDS).map(move |ids| (shard, ids)));
    let results = join_all(calls.map(async |(shard, ids)| {
        let mut call = scripts.acknowledge.call(&keys::events(shard));
        call.arg(GROUP).arg(ids);
        scripts.run::<u64>(link, &call).await
    }))
    .await;
    results.into_iter().try_for_each(|result| result.map(drop))
}

/// An event that this version cannot read stays where it is, for one that can.
fn decode(shard: u16, entry: StreamId) -> Option<(EventPosition, SeatEvent)> {
    let event = parse(&entry);
    if event.is_none() {
        tracing::error!(shard, id = entry.id, "unreadable event; left in the stream");
    }
    event.map(|event| (EventPosition { shard, id: entry.id }, event))
}

fn parse(entry: &StreamId) -> Option<SeatEvent> {
    let text = |field: &str| match entry.map.get(field) {
        Some(Value::BulkString(bytes)) => std::str::from_utf8(bytes).ok(),
        _ => None,
    };
    fn of<T: FromStr>(text: Option<&str>) -> Option<T> {
        text?.parse().ok()
    }
    let optional = |field: &str| text(field).filter(|text| !text.is_empty()).map(str::to_owned);
    Some(SeatEvent {
        kind: SeatEventKind::parse(text("kind")?)?,
        at_ms: of(text("at"))?,
        tenant: of(text("tenant"))?,
        license: of(text("lic"))?,
        user: of(text("user"))?,
        session: of(text("sid"))?,
        fence: of(text("fence"))?,
        hardware_id: text("hw")?.to_owned(),
        instance_id: text("inst")?.to_owned(),
        hostname: optional("host"),
        client_version: optional("ver"),
        active: of(text("active"))?,
        max_seats: of(text("max"))?,
        reason: optional("why"),
    })
}
