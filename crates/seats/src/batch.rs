//! The busy calls, many at once: those that come while others of their shard are with Redis wait for them, and then go together. A call of
//! Redis costs as much as what it does for one seat, on both sides. Whoever comes when nobody waits goes at once and alone.

use crate::keys::{self, SHARDS};
use crate::library::{Function, Library};
use crate::link::Link;
use domain::ports::seats::SeatsError;
use redis::{FromRedisValue, Value};
use std::array;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// Most calls that go together: bounds how long Redis does nothing else.
const TOGETHER: usize = 32;
/// Batches of a line that are with Redis at once: while it works on one, the next one is on its way.
const UNDER_WAY: usize = 2;

type Reply = Result<String, SeatsError>;

/// One call that waits: its arguments, and who waits for its reply.
struct Call {
    arguments: Vec<String>,
    caller: oneshot::Sender<Reply>,
}

/// The calls of one shard.
#[derive(Default)]
struct Line {
    waiting: VecDeque<Call>,
    /// Whoever sends batches of this line holds one of these; should he fall, it is given back.
    senders: Arc<()>,
}

/// A function that takes many calls (`batch` in `lua/run.lua`), and those who wait for it.
pub(crate) struct Batch {
    function: fn(&Library) -> &Function,
    store: Arc<(Link, Library)>,
    lines: [Mutex<Line>; SHARDS as usize],
}

/// An answer is a text; an error, a list with its text.
fn answer(reply: Value) -> Reply {
    match reply {
        Value::Array(error) => Err(SeatsError(Vec::<String>::from_redis_value(Value::Array(error)).unwrap_or_default().concat())),
        text => String::from_redis_value(text).map_err(|error| SeatsError(error.to_string())),
    }
}

impl Batch {
    pub(crate) fn new(store: &Arc<(Link, Library)>, function: fn(&Library) -> &Function) -> Arc<Self> {
        Arc::new(Self { function, store: store.clone(), lines: array::from_fn(|_| Mutex::default()) })
    }

    /// Makes one call. Whoever goes away before it is his turn has not called; after that, he has.
    pub(crate) async fn call(self: &Arc<Self>, shard: u16, arguments: Vec<String>) -> Reply {
        let (caller, reply) = oneshot::channel();
        let sender = {
            let mut line = self.line(shard);
            line.waiting.push_back(Call { arguments, caller });
            // The line's own is one more.
            (Arc::strong_count(&line.senders) <= UNDER_WAY).then(|| line.senders.clone())
        };
        if let Some(sender) = sender {
            tokio::spawn(self.clone().run(shard, sender));
        }
        match timeout(self.store.0.patience(), reply).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(_)) => Err(SeatsError("the portal stops".into())),
            Err(_) => Err(SeatsError("too many wait for Redis".into())),
        }
    }

    fn line(&self, shard: u16) -> MutexGuard<'_, Line> {
        self.lines[usize::from(shard % SHARDS)].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends batches until nobody waits.
    async fn run(self: Arc<Self>, shard: u16, sender: Arc<()>) {
        let mut sender = Some(sender);
        // Those who are about to call, too.
        tokio::task::yield_now().await;
        while let Some(batch) = self.next(shard, &mut sender) {
            let result = self.send(shard, &batch).await;
            match result {
                Ok(replies) => batch.into_iter().zip(replies).for_each(|(call, reply)| drop(call.caller.send(reply))),
                // Whoever waits would wait for the same: a Redis that does not answer, or has no memory left.
                Err(error) => {
                    let waiting = std::mem::take(&mut self.line(shard).waiting);
                    batch.into_iter().chain(waiting).for_each(|call| drop(call.caller.send(Err(SeatsError(error.0.clone())))));
                }
            }
        }
    }

    /// The next batch. If there is none, the sender is one no more, before anybody else can join the line.
    fn next(&self, shard: u16, sender: &mut Option<Arc<()>>) -> Option<Vec<Call>> {
        let mut line = self.line(shard);
        let mut batch = Vec::new();
        while batch.len() < TOGETHER
            && let Some(call) = line.waiting.pop_front()
        {
            if !call.caller.is_closed() {
                batch.push(call);
            }
        }
        if batch.is_empty() {
            *sender = None;
            return None;
        }
        Some(batch)
    }

    async fn send(&self, shard: u16, batch: &[Call]) -> Result<Vec<Reply>, SeatsError> {
        let (link, library) = &*self.store;
        let mut call = (self.function)(library).call(keys::shard_prefix(shard));
        for argument in batch.iter().flat_map(|call| &call.arguments) {
            call.arg(argument);
        }
        let replies: Vec<Value> = library.run(link, &call).await?;
        if replies.len() != batch.len() {
            return Err(SeatsError(format!("{} answers to {} calls", replies.len(), batch.len())));
        }
        Ok(replies.into_iter().map(answer).collect())
    }
}
