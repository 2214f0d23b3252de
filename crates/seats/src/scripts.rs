//! The Lua scripts. Each is put together from parts that run one after the other: what a script returns before a part is reached, costs
//! nothing.

use crate::link::{Link, unavailable};
use domain::ports::seats::SeatsError;
use futures::future::try_join_all;
use redis::{Cmd, ErrorKind, FromRedisValue, RedisResult, Script, ServerErrorKind, cmd};
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Mutex;

const HEAD: &str = include_str!("../lua/head.lua");
const BASE: &str = include_str!("../lua/base.lua");
const GRANT: &str = include_str!("../lua/grant.lua");
const HOLDER: &str = include_str!("../lua/holder.lua");
const REFUSE: &str = include_str!("../lua/refuse.lua");

pub(crate) struct Scripts {
    /// How often they were loaded, and who is doing it.
    loads: AtomicU64,
    loading: Mutex<()>,
    pub acquire: LuaScript,
    pub heartbeat: LuaScript,
    pub reacquire: LuaScript,
    pub release: LuaScript,
    pub revoke: LuaScript,
    pub snapshot: LuaScript,
    pub holders: LuaScript,
    pub find: LuaScript,
    pub of_user: LuaScript,
    pub longest: LuaScript,
    pub own: LuaScript,
    pub active: LuaScript,
    pub put_entitlement: LuaScript,
    pub put_member: LuaScript,
    pub sweep: LuaScript,
    pub create_group: LuaScript,
    pub acknowledge: LuaScript,
}

impl Scripts {
    pub(crate) fn new() -> Self {
        // When memory is full, whoever holds a seat keeps it and may give it back; only what takes a seat is refused, as a whole.
        let keep = |parts: &[&str]| LuaScript::new("#!lua flags=allow-oom", parts);
        let take = |body| LuaScript::new("#!lua", &[HEAD, BASE, GRANT, body, REFUSE]);
        let read = |body| LuaScript::new("#!lua flags=no-writes", &[HEAD, BASE, HOLDER, body]);
        Self {
            loads: AtomicU64::new(0),
            loading: Mutex::new(()),
            acquire: take(include_str!("../lua/acquire.lua")),
            heartbeat: keep(&[HEAD, include_str!("../lua/heartbeat.lua"), BASE, include_str!("../lua/heartbeat_ends.lua")]),
            reacquire: take(include_str!("../lua/reacquire.lua")),
            release: keep(&[HEAD, BASE, include_str!("../lua/release.lua")]),
            revoke: keep(&[HEAD, BASE, HOLDER, include_str!("../lua/revoke.lua")]),
            snapshot: read(include_str!("../lua/snapshot.lua")),
            holders: read(include_str!("../lua/holders.lua")),
            find: read(include_str!("../lua/find.lua")),
            of_user: read(include_str!("../lua/of_user.lua")),
            longest: keep(&[HEAD, BASE, HOLDER, include_str!("../lua/longest.lua")]),
            own: keep(&[HEAD, BASE, HOLDER, include_str!("../lua/own.lua")]),
            active: read(include_str!("../lua/active.lua")),
            put_entitlement: keep(&[HEAD, BASE, include_str!("../lua/put_entitlement.lua")]),
            put_member: keep(&[HEAD, BASE, include_str!("../lua/put_member.lua")]),
            sweep: keep(&[HEAD, BASE, GRANT, include_str!("../lua/sweep.lua")]),
            create_group: keep(&[include_str!("../lua/create_group.lua")]),
            acknowledge: keep(&[include_str!("../lua/acknowledge.lua")]),
        }
    }

    /// Runs a call by the script's hash. A Redis that does not know it (it forgets at every restart) is given all of them; of the
    /// many callers who find out at once, one does it.
    pub(crate) async fn run<T: FromRedisValue>(&self, link: &Link, call: &Cmd) -> Result<T, SeatsError> {
        let run = async {
            let before = self.loads.load(Ordering::Acquire);
            match link.send(call).await {
                Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {}
                result => return result,
            }
            Box::pin(self.load_once(link, before)).await?;
            link.send(call).await
        };
        link.in_turn(run).await.map_err(unavailable)
    }

    /// Loads the scripts, unless somebody has since there were so many loads.
    async fn load_once(&self, link: &Link, before: u64) -> RedisResult<()> {
        let _loading = self.loading.lock().await;
        if self.loads.load(Ordering::Acquire) == before {
            self.load(link).await?;
            self.loads.fetch_add(1, Ordering::Release);
        }
        Ok(())
    }

    async fn load(&self, link: &Link) -> RedisResult<()> {
        let all = [
            &self.acquire,
            &self.heartbeat,
            &self.reacquire,
            &self.release,
            &self.revoke,
            &self.snapshot,
            &self.holders,
            &self.find,
            &self.of_user,
            &self.longest,
            &self.own,
            &self.active,
            &self.put_entitlement,
            &self.put_member,
            &self.sweep,
            &self.create_group,
            &self.acknowledge,
        ];
        try_join_all(all.map(async |script| link.send::<()>(cmd("SCRIPT").arg("LOAD").arg(&script.code)).await)).await.map(drop)
    }
}

/// One script: its text, and the hash by which Redis knows it.
pub(crate) struct LuaScript {
    code: String,
    hash: String,
}

impl LuaScript {
    /// `head` tells Redis (7.0 or later) what the script may do, and that it stays in one slot.
    fn new(head: &str, parts: &[&str]) -> Self {
        let code = format!("{head}\n{}", parts.join("\n"));
        let hash = Script::new(&code).get_hash().to_owned();
        Self { code, hash }
    }

    /// Begins a call with its one key; arguments follow.
    pub(crate) fn call(&self, key: &str) -> Cmd {
        let mut call = cmd("EVALSHA");
        call.arg(&self.hash).arg(1).arg(key);
        call
    }
}
