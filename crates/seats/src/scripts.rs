//! The Lua scripts: `lua/base.lua` in front of each, `lua/grant.lua` in front of those that may take a seat or drop leases.

use redis::Script;

pub(crate) struct Scripts {
    pub acquire: Script,
    pub heartbeat: Script,
    pub reacquire: Script,
    pub release: Script,
    pub revoke: Script,
    pub snapshot: Script,
    pub find: Script,
    pub active: Script,
    pub put_entitlement: Script,
    pub put_member: Script,
    pub sweep: Script,
    pub acknowledge: Script,
}

impl Scripts {
    pub(crate) fn new() -> Self {
        const BASE: &str = include_str!("../lua/base.lua");
        const GRANT: &str = include_str!("../lua/grant.lua");
        let base = |body: &str| Script::new(&format!("{BASE}\n{body}"));
        let grant = |body: &str| Script::new(&format!("{BASE}\n{GRANT}\n{body}"));
        Self {
            acquire: grant(include_str!("../lua/acquire.lua")),
            heartbeat: base(include_str!("../lua/heartbeat.lua")),
            reacquire: grant(include_str!("../lua/reacquire.lua")),
            release: base(include_str!("../lua/release.lua")),
            revoke: base(include_str!("../lua/revoke.lua")),
            snapshot: base(include_str!("../lua/snapshot.lua")),
            find: base(include_str!("../lua/find.lua")),
            active: base(include_str!("../lua/active.lua")),
            put_entitlement: base(include_str!("../lua/put_entitlement.lua")),
            put_member: base(include_str!("../lua/put_member.lua")),
            sweep: grant(include_str!("../lua/sweep.lua")),
            acknowledge: Script::new(include_str!("../lua/acknowledge.lua")),
        }
    }
}
