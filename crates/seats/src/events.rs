//! Reading the shards' event streams, and dropping what is safe elsewhere.
//!
//! A stream is always read from its beginning, and reading takes nothing away: whoever dies after it has lost nothing. Two readers may get
//! the same events, which the key of an event makes harmless. Round trips to the 64 streams go out together and share the connection.
//! An entry holds the events of one call of a function, in their order; it is read and dropped as a whole.

use crate::keys::{self, SHARDS};
use crate::library::Library;
use crate::link::{Link, unavailable};
use crate::reply::Reply;
use domain::ports::seats::{EventPosition, SeatEvent, SeatsError};
use futures::future::join_all;
use redis::{RedisResult, Value, cmd};
use std::collections::BTreeMap;

/// About as many events are read in one call: bounds how long Redis does nothing else. Two thousand would keep every heartbeat waiting for
/// milliseconds.
const IN_ONE_CALL: usize = 250;
/// Most events of an entry (`IN_ENTRY` in `lua/base.lua`).
const IN_ENTRY: usize = 64;
/// Most entries that are dropped in one call.
const DROPPED_IN_ONE_CALL: usize = 32;

/// Events of entries until there are `max`, with equal shares for all shards that have some; the shards are asked from `first_shard` on.
pub(crate) async fn read(
    link: &Link,
    library: &Library,
    first_shard: u16,
    max: usize,
) -> Result<Vec<(EventPosition, SeatEvent)>, SeatsError> {
    // A node of a cluster that is away must not hold up the shards of the others.
    let mut failed = None;
    let mut open = Vec::new();
    for (shard, length) in waiting(link, first_shard).await {
        match length {
            Ok(0) => {}
            Ok(_) => open.push((shard, "-".to_owned())),
            Err(error) => failed = Some(unavailable(error)),
        }
    }
    let mut events = Vec::new();
    // Of those entries that were read last; before, what it may be.
    let mut largest = IN_ENTRY;
    while events.len() < max && !open.is_empty() {
        let left = max - events.len();
        open.truncate(left);
        let share = ((left / open.len()).min(IN_ONE_CALL) / largest).max(1);
        largest = 1;
        let batches = join_all(open.drain(..).map(async |(shard, from)| (shard, read_shard(link, shard, &from, share).await))).await;
        for (shard, batch) in batches {
            let batch = match batch {
                Ok(batch) => batch,
                Err(error) => {
                    failed = Some(error);
                    continue;
                }
            };
            if let Some((last, _)) = batch.last().filter(|_| batch.len() >= share) {
                open.push((shard, format!("({last}")));
            }
            for (id, fields) in batch {
                if events.len() >= max {
                    break;
                }
                let parts: Vec<_> = (0..).zip(fields.chunks(2).map(parse)).collect();
                largest = largest.max(parts.len());
                let unreadable: Vec<u16> = parts.iter().filter(|(_, event)| event.is_none()).map(|(part, _)| *part).collect();
                if !unreadable.is_empty() {
                    set_aside(link, library, shard, &id, &unreadable).await?;
                    continue;
                }
                let position = |part| EventPosition { shard, id: id.clone(), part };
                events.extend(parts.into_iter().filter_map(|(part, event)| Some((position(part), event?))));
            }
        }
    }
    match failed {
        Some(error) if events.is_empty() => Err(error),
        Some(error) => {
            tracing::warn!(%error, "events of some shards could not be read");
            Ok(events)
        }
        None => Ok(events),
    }
}

/// How many events wait in each shard.
async fn waiting(link: &Link, first_shard: u16) -> Vec<(u16, RedisResult<u64>)> {
    let shards = (0..SHARDS).map(|i| (first_shard + i) % SHARDS);
    join_all(shards.map(async |shard| (shard, link.query(cmd("XLEN").arg(keys::events(shard))).await))).await
}

/// The ids of entries and their fields: names and values in turn.
async fn read_shard(link: &Link, shard: u16, from: &str, count: usize) -> Result<Vec<(String, Vec<Value>)>, SeatsError> {
    let mut range = cmd("XRANGE");
    range.arg(keys::events(shard)).arg(from).arg("+").arg("COUNT").arg(count);
    link.query(&range).await.map_err(unavailable)
}

/// Puts events that cannot be read, which only a mistake of ours can bring about, out of the others' way, for a person to look at. The others
/// of their entry come as a new one.
async fn set_aside(link: &Link, library: &Library, shard: u16, id: &str, parts: &[u16]) -> Result<(), SeatsError> {
    tracing::error!(shard, id, "unreadable events; set aside");
    let mut call = library.set_aside.call(keys::shard_prefix(shard));
    library.run::<i64>(link, call.arg("").arg(id).arg(parts)).await.map(drop)
}

pub(crate) async fn acknowledge(link: &Link, positions: &[EventPosition]) -> Result<(), SeatsError> {
    let mut by_shard: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    for position in positions {
        let ids = by_shard.entry(position.shard % SHARDS).or_default();
        // The events of an entry follow one another.
        if ids.last() != Some(&position.id.as_str()) {
            ids.push(&position.id);
        }
    }
    let calls = by_shard.iter().flat_map(|(&shard, ids)| ids.chunks(DROPPED_IN_ONE_CALL).map(move |ids| (shard, ids)));
    let results = join_all(calls.map(async |(shard, ids)| link.query::<u64>(cmd("XDEL").arg(keys::events(shard)).arg(ids)).await)).await;
    results.into_iter().try_for_each(|result| result.map(drop)).map_err(unavailable)
}

/// A field's name and value.
fn parse(field: &[Value]) -> Option<SeatEvent> {
    let [_, Value::BulkString(text)] = field else { return None };
    Reply::new(std::str::from_utf8(text).ok()?).event().ok()
}
