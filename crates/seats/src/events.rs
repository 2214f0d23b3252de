//! Reading the shards' event streams through one consumer group.
//!
//! An event is in its stream until it is acknowledged, so a stream's length says whether there is anything to do. Round trips
//! to the 64 streams go out together and share the connection.

use crate::keys::{self, SHARDS};
use crate::library::Library;
use crate::link::{Link, unavailable};
use crate::reply::Reply;
use domain::ports::seats::{EventPosition, SeatEvent, SeatsError};
use futures::future::join_all;
use redis::streams::{StreamAutoClaimReply, StreamId, StreamReadReply};
use redis::{RedisResult, Value, cmd};
use std::collections::BTreeMap;

/// The consumer group. All readers share it, so each event goes to one of them.
const GROUP: &str = "drain";
/// Most ids in one call; Lua's stack takes some thousands.
const IDS: usize = 1000;

/// One reading of events, by one consumer of the group.
pub(crate) struct Reader<'a> {
    pub link: &'a Link,
    pub library: &'a Library,
    pub consumer: &'a str,
    /// What another consumer has had for so long comes again.
    pub reclaim_after_ms: u64,
}

impl Reader<'_> {
    /// At most `max` events, with equal shares for all shards that have some; the shards are asked from `first_shard` on.
    pub(crate) async fn read(&self, first_shard: u16, max: usize) -> Result<Vec<(EventPosition, SeatEvent)>, SeatsError> {
        let mut open = self.waiting(first_shard).await?;
        let mut events = Vec::new();
        let mut left = max;
        let mut reclaim = true;
        while left > 0 && !open.is_empty() {
            open.truncate(left);
            let share = left / open.len();
            let batches = join_all(open.iter().map(async |&shard| (shard, self.read_shard(shard, share, reclaim).await))).await;
            open.clear();
            // Once, or a short `reclaim_after_ms` would hand out again what was just read.
            reclaim = false;
            for (shard, batch) in batches {
                let batch = match batch {
                    Ok(batch) => batch,
                    // What was read counts; what this shard handed out unseen comes again after `reclaim_after_ms`.
                    Err(error) if !events.is_empty() => {
                        tracing::warn!(shard, %error, "events of one shard could not be read");
                        continue;
                    }
                    Err(error) => return Err(error),
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

    /// The shards whose streams are not empty.
    async fn waiting(&self, first_shard: u16) -> Result<Vec<u16>, SeatsError> {
        let shards = (0..SHARDS).map(|i| (first_shard + i) % SHARDS);
        let lengths =
            shards.map(async |shard| self.link.query::<u64>(cmd("XLEN").arg(keys::events(shard))).await.map(|length| (shard, length)));
        let lengths: Vec<_> = join_all(lengths).await.into_iter().collect::<RedisResult<_>>().map_err(unavailable)?;
        Ok(lengths.into_iter().filter(|(_, length)| *length > 0).map(|(shard, _)| shard).collect())
    }

    /// What others left lying first, if asked for, then what nobody has read.
    async fn read_shard(&self, shard: u16, count: usize, reclaim: bool) -> Result<Vec<StreamId>, SeatsError> {
        let stream = keys::events(shard);
        let mut entries = if reclaim { self.reclaim(shard, count).await? } else { Vec::new() };
        if entries.len() < count {
            let mut read = cmd("XREADGROUP");
            read.arg("GROUP").arg(GROUP).arg(self.consumer).arg("COUNT").arg(count - entries.len());
            read.arg("STREAMS").arg(&stream).arg(">");
            // No answer at all when there is nothing new.
            let fresh: Option<StreamReadReply> = self.link.query(&read).await.map_err(unavailable)?;
            entries.extend(fresh.into_iter().flat_map(|reply| reply.keys).flat_map(|key| key.ids));
        }
        Ok(entries)
    }

    /// Makes the group where there is none: it is the first command to every shard.
    async fn reclaim(&self, shard: u16, count: usize) -> Result<Vec<StreamId>, SeatsError> {
        let mut claim = cmd("XAUTOCLAIM");
        claim.arg(keys::events(shard)).arg(GROUP).arg(self.consumer).arg(self.reclaim_after_ms).arg("0-0").arg("COUNT").arg(count);
        let mut claimed = self.link.query::<StreamAutoClaimReply>(&claim).await;
        if claimed.as_ref().is_err_and(|e| e.code() == Some("NOGROUP")) {
            let mut create = self.library.create_group.call(&keys::shard_prefix(shard));
            self.library.run::<i64>(self.link, create.arg("").arg(GROUP)).await?;
            claimed = self.link.query(&claim).await;
        }
        Ok(claimed.map_err(unavailable)?.claimed)
    }
}

pub(crate) async fn acknowledge(link: &Link, library: &Library, positions: &[EventPosition]) -> Result<(), SeatsError> {
    let mut by_shard: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    for position in positions {
        by_shard.entry(position.shard % SHARDS).or_default().push(&position.id);
    }
    let calls = by_shard.iter().flat_map(|(&shard, ids)| ids.chunks(IDS).map(move |ids| (shard, ids)));
    let results = join_all(calls.map(async |(shard, ids)| {
        let mut call = library.acknowledge.call(&keys::shard_prefix(shard));
        call.arg("").arg(GROUP).arg(ids);
        library.run::<u64>(link, &call).await
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
    let Some(Value::BulkString(bytes)) = entry.map.get("e") else { return None };
    Reply::new(std::str::from_utf8(bytes).ok()?).event().ok()
}
