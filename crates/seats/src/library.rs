//! The Lua functions (Redis Functions, Redis 7.0 or later), one library for all: Redis makes them once. As scripts (EVALSHA) they, and all
//! that they call, would be made anew at every call, which took a third of Redis's time.
//!
//! Library and functions carry the hash of their text in their names, so that portals of two versions can share a Redis.

use crate::keys;
use crate::link::{Link, unavailable};
use domain::ports::seats::SeatsError;
use redis::{Cmd, FromRedisValue, RedisError, RedisResult, cmd};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Mutex;

/// What the functions share.
const COMMON: [&str; 8] = [
    include_str!("../lua/head.lua"),
    include_str!("../lua/store.lua"),
    include_str!("../lua/copies.lua"),
    include_str!("../lua/base.lua"),
    include_str!("../lua/holder.lua"),
    include_str!("../lua/grant.lua"),
    include_str!("../lua/refuse.lua"),
    include_str!("../lua/run.lua"),
];

/// How a function runs, as `lua/run.lua` says: one call; or many on a shard, whose arguments follow one another and whose answers are a list.
const ALONE: (&str, &str) = ("alone(function(ARGV)", "end)");
const BATCH: (&str, &str) = ("batch((function()", "end)())");

/// When memory is full, whoever holds a seat keeps it and may give it back.
const KEEPS: &str = "'allow-oom'";
/// What takes a seat is then refused, as a whole.
const TAKES: &str = "";
const READS: &str = "'no-writes'";

/// One function: what calls name, and Redis knows it by.
pub(crate) struct Function(String);

impl Function {
    /// Begins a call with its one key; arguments follow.
    pub(crate) fn call(&self, key: &str) -> Cmd {
        let mut call = cmd("FCALL");
        call.arg(&self.0).arg(1).arg(key);
        call
    }
}

/// Declares [`Library`] from the functions' names, which are also those of their files in `lua/`, and their flags.
macro_rules! library {
    ($($name:ident: $runs:ident $flags:expr,)*) => {
        pub(crate) struct Library {
            code: String,
            /// How often it was loaded, and who is doing it.
            loads: AtomicU64,
            loading: Mutex<()>,
            $(pub $name: Function,)*
        }

        impl Library {
            pub(crate) fn new() -> Self {
                let functions = [$((stringify!($name), $runs, $flags, include_str!(concat!("../lua/", stringify!($name), ".lua"))),)*];
                let (version, code) = assemble(&functions);
                Self {
                    code,
                    loads: AtomicU64::new(0),
                    loading: Mutex::new(()),
                    $($name: Function(full_name(stringify!($name), &version)),)*
                }
            }
        }
    };
}

library! {
    acquire: BATCH TAKES,
    heartbeat: BATCH KEEPS,
    reacquire: BATCH TAKES,
    release: BATCH KEEPS,
    revoke: ALONE KEEPS,
    snapshot: ALONE READS,
    holders: ALONE READS,
    find: ALONE READS,
    of_user: ALONE READS,
    longest: ALONE READS,
    own: ALONE KEEPS,
    active: ALONE READS,
    put_entitlement: ALONE KEEPS,
    put_member: ALONE KEEPS,
    sweep: ALONE KEEPS,
    set_aside: ALONE KEEPS,
}

fn full_name(name: &str, version: &str) -> String {
    format!("{name}_{version}")
}

/// A function's name, how it runs, its flags and its body.
type Source = (&'static str, (&'static str, &'static str), &'static str, &'static str);

/// The library's version, which is a hash of its text, and its text.
fn assemble(functions: &[Source]) -> (String, String) {
    let mut version = String::new();
    for byte in &Sha256::digest(text_of(functions, ""))[..6] {
        // Writing to a String cannot fail.
        let _ = write!(version, "{byte:02x}");
    }
    let text = text_of(functions, &version);
    (version, text)
}

fn text_of(functions: &[Source], version: &str) -> String {
    let mut text = format!("#!lua name={}\n{}", full_name("seats", version), COMMON.join("\n"));
    for (name, (begin, end), flags, body) in functions {
        let name = full_name(name, version);
        let _ = write!(text, "\nredis.register_function{{function_name='{name}', flags={{{flags}}}, callback={begin}\n{body}\n{end}}}\n");
    }
    text
}

/// Redis says so of a function that it does not know, also to those who may not load one.
fn is_unknown(error: &RedisError) -> bool {
    error.code() == Some("ERR") && error.detail() == Some("Function not found")
}

impl Library {
    /// Runs a call. A Redis that does not know the function (it is new, or has lost everything) is given the library; of the many callers
    /// who find out at once, one does it.
    pub(crate) async fn run<T: FromRedisValue>(&self, link: &Link, call: &Cmd) -> Result<T, SeatsError> {
        let run = async {
            let before = self.loads.load(Ordering::Acquire);
            match link.send(call).await {
                Err(error) if is_unknown(&error) => {}
                result => return result,
            }
            Box::pin(self.load_once(link, before)).await?;
            link.send(call).await
        };
        link.in_turn(run).await.map_err(unavailable)
    }

    /// Makes sure that Redis has the library, when a portal begins. To load it takes memory: a version that Redis has never seen must find out
    /// that there is none before it takes over from the one before.
    pub(crate) async fn check(&self, link: &Link) -> Result<(), SeatsError> {
        let mut nothing = self.active.call(keys::shard_prefix(0));
        self.run::<Vec<u32>>(link, nothing.arg("")).await.map(drop)
    }

    /// Loads the library, unless somebody has since there were so many loads.
    async fn load_once(&self, link: &Link, before: u64) -> RedisResult<()> {
        let _loading = self.loading.lock().await;
        if self.loads.load(Ordering::Acquire) == before {
            // On all nodes of a cluster. Another portal may have been quicker, so what is there is replaced by the same.
            link.send::<()>(cmd("FUNCTION").arg("LOAD").arg("REPLACE").arg(&self.code)).await?;
            self.loads.fetch_add(1, Ordering::Release);
        }
        Ok(())
    }
}
