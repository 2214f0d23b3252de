//! Where things lie in Redis.
//!
//! A tenant belongs to one of 64 shards, for ever: the last six bits of its id, which are random in every UUID version that the
//! portal makes. The shard is the hash tag of all keys, so a tenant lies in one slot of a Redis Cluster. Functions are given the
//! shard's prefix as their only key and make every other key from it and the tenant's id. Ids are written in the 22 characters of [`id`]:
//! what is longer than 60 in all, Redis allocates anew at every command of a function. The prefix also carries the number of the format,
//! [`FORMAT`], left out here:
//!
//! | key | type | what | how long |
//! |---|---|---|---|
//! | `{sN}:events` | stream | what happened | until it is in PostgreSQL |
//! | `{sN}:events:unreadable` | stream | events that nobody could read | until a person deletes it |
//! | `{sN}:due` | zset | `tenant:licence` → not after its next expiry | while it has leases |
//! | `{sN}:T:ent` | string | copy: version, suspended, order of licences, licence keys | [`COPY_TTL`] |
//! | `{sN}:T:u:U` | string | copy: a member | [`COPY_TTL`] |
//! | `{sN}:T:limits:L` | string | copy: a licence's limits | [`COPY_TTL`] |
//! | `{sN}:T:known` | string | the tenant was here before; without it the store is new, or has lost everything | 30 days |
//! | `{sN}:T:lics` | set | licences with leases | while it has leases |
//! | `{sN}:T:s:S` | string | a session: its state and facts, or how it ended for good | live; then until its token's end |
//! | `{sN}:T:leases:L` | zset | session → expiry in ms | while it has leases |
//! | `{sN}:T:seat:L:SEAT` | string | last session of a seat, its fence, its token's end | live; then until its token's end |
//! | `{sN}:T:own:L:U` | hash | the seats that one person holds | while he holds any |
//! | `{sN}:T:rights:L` | zset | seat → the end of the hour to which its token is valid offline | until then |
//! | `{sN}:T:expected:L` | string | seats that are kept for their holders after a loss of the store | one lease time |
//! | `{sN}:T:denied:SEAT` | string | a refusal was counted | one minute |
//!
//! SEAT is a digest of user, hardware id and instance id. Text from outside stands in keys only as that digest.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;
use std::time::Duration;
use types::{TenantId, UserId};
use uuid::Uuid;

/// Number of shards. Changing it moves every tenant's keys, so it never changes.
pub const SHARDS: u16 = 64;

/// How long a copy of PostgreSQL's data is believed: bounds what a lost write can cost.
pub const COPY_TTL: Duration = Duration::from_secs(3600);

/// The shard of a tenant.
pub fn shard_of(tenant: TenantId) -> u16 {
    u16::from(tenant.0.as_bytes()[15]) % SHARDS
}

/// The format of what lies in the store. Raised with every change of what is packed, and whenever an older portal's data could not be read: a
/// store of another format is like an empty one, from which running clients heal by their tokens.
const FORMAT: u16 = 8;

/// What every key of a shard begins with.
pub fn shard_prefix(shard: u16) -> &'static str {
    static ALL: LazyLock<Vec<String>> = LazyLock::new(|| (0..SHARDS).map(|shard| format!("{{s{shard}}}:{FORMAT}:")).collect());
    &ALL[usize::from(shard % SHARDS)]
}

/// The shard's event stream.
pub(crate) fn events(shard: u16) -> String {
    format!("{}events", shard_prefix(shard))
}

/// An id as it stands in the store: the 16 bytes in base64 (RFC 4648, section 5).
pub fn id(id: Uuid) -> String {
    URL_SAFE_NO_PAD.encode(id.as_bytes())
}

/// Reads what [`id`] has written.
pub(crate) fn parse_id(text: &str) -> Option<Uuid> {
    // Decoding wants room for what the text's length might stand for.
    let mut room = [0; 18];
    let length = URL_SAFE_NO_PAD.decode_slice(text, &mut room).ok()?;
    Uuid::from_slice(&room[..length]).ok()
}

/// Names the seat of one user on one device and instance.
pub(crate) fn seat(user: UserId, hardware_id: &str, instance_id: &str) -> String {
    // With its length in front, no other pair of texts gives the same bytes.
    let digest = Sha256::new()
        .chain_update(user.0)
        .chain_update((hardware_id.len() as u64).to_be_bytes())
        .chain_update(hardware_id)
        .chain_update(instance_id)
        .finalize();
    URL_SAFE_NO_PAD.encode(&digest[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_do_not_collide() {
        let user = UserId(Uuid::from_u128(1));
        let pairs = [("a", "b"), ("ab", ""), ("", "ab"), ("a:", "b"), ("a", ":b"), ("{s1}:", "default"), ("{s1}", ":default")];
        let seats: std::collections::HashSet<_> = pairs.iter().map(|(h, i)| seat(user, h, i)).collect();
        assert_eq!(seats.len(), pairs.len());
        assert_ne!(seat(user, "a", "b"), seat(UserId(Uuid::from_u128(2)), "a", "b"));
        assert!(seats.iter().all(|s| !s.contains(['{', '}', ':']) && s.len() == 22));
    }

    #[test]
    fn ids_come_back() {
        for n in [0, 1, 62, 63, u128::MAX, 0x01890a5d_ac96_774b_bcce_b302099a8057] {
            let text = id(Uuid::from_u128(n));
            assert_eq!((text.len(), parse_id(&text)), (22, Some(Uuid::from_u128(n))));
        }
        for text in ["", "AAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAB", "AAAAAAAAAA:AAAAAAAAAAA"] {
            assert_eq!(parse_id(text), None, "{text}");
        }
    }

    #[test]
    fn shards_are_spread_and_stable() {
        let shards: std::collections::HashSet<_> = (0..256).map(|i| shard_of(TenantId(Uuid::from_u128(i)))).collect();
        assert_eq!(shards.len(), usize::from(SHARDS));
        let tenant = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        assert_eq!(shard_of(tenant), 23);
    }
}
