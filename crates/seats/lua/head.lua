-- Stands in front of all functions of the library (src/library.rs puts it together). Redis makes its functions once, when it loads it, and
-- not at every call, as it does with scripts.
--
-- KEYS[1] is the shard's prefix. Every key of a call is that prefix and more, so all of them lie in the slot that Redis Cluster finds
-- from KEYS[1]. ARGV[1] is the tenant, or empty where a call is about the whole shard. The keys are listed in src/keys.rs; ids are written
-- as it says there.
--
-- The only clock is Redis TIME, which stands still while a function runs. A lease is live while its score > now.

-- What one call is about; `begin` sets all of them.
local call, shard, tenant, prefix, now, now_written
-- What this call has read: names of people, and how long the leases of a licence are in seconds.
local people, lease_of

local function of_tenant(id)
  tenant = id
  prefix = shard .. id .. ':'
end

-- What stands before a text of so many bytes in MessagePack (github.com/msgpack/msgpack/blob/master/spec.md, the str formats). Whatever a
-- busy call packs are texts, and it joins them itself: cmsgpack.pack makes a string of every value before it joins them.
local str = {}
local function head(text)
  local length = #text
  str[length] = str[length] or string.sub(cmsgpack.pack(text), 1, -length - 1)
  return str[length]
end

-- Every function begins with it (src/library.rs puts it there): whatever the call before has left is gone.
local function begin(KEYS, ARGV)
  call = redis.call
  shard = KEYS[1]
  of_tenant(ARGV[1])
  local clock = call('TIME')
  now = clock[1] * 1000 + math.floor(clock[2] / 1000)
  now_written, people, lease_of = nil, nil, nil
  -- Those of ids, numbers and states, which are short. (While Redis loads the library, there is no cmsgpack.)
  if not str[0] then
    for length = 0, 31 do head(string.rep(' ', length)) end
  end
end

-- A whole number as text. Redis itself would write it as a fraction of 17 digits, which costs ten times as much.
local function int(number) return string.format('%d', number) end

-- The moment as text. To write a number costs as much as a command, so each is written once.
local function now_text()
  now_written = now_written or int(now)
  return now_written
end

-- An answer is one text, with a field in each line, since Redis and its client take their time for every value of an array. Only the last
-- field may have lines of its own. (Answers that busy calls give are put together where they are given: a table costs as much as a command.)
local function answer(...) return table.concat({...}, '\n') end

local function session_key(sid) return prefix .. 's:' .. sid end
local function member_key(user) return prefix .. 'u:' .. user end
local function limits_key(lic) return prefix .. 'limits:' .. lic end
local function leases_key(lic) return prefix .. 'leases:' .. lic end

-- What comes packed from Redis, where it may not be there. Some are read by one MGET: a command costs more than what it reads.
local function unpacked(packed)
  if packed then return cmsgpack.unpack(packed) end
end

-- What is known of a session, or nothing: its state and its user, and then
--   held, or expired or closed, of a lease that ended and may come back: licence, seat, fence, start, limit, until when its token is
--     valid, person, device. They are packed, since as fields of a hash they would cost far more to write and to read.
--   released, revoked or superseded, so over for good: the reason. The user is empty where he is not known.
-- All of them are texts.
local function session(sid) return unpacked(call('GET', session_key(sid))) end

-- The first three of the same, which is what a heartbeat has to know.
local function head_of_session(sid)
  local packed = call('GET', session_key(sid))
  if packed then return select(2, cmsgpack.unpack_limit(packed, 3)) end
end

local function packed_session(state, user, lic, seat, fence, start, max, valid, person, device)
  return str[#state] .. state .. str[#user] .. user .. str[#lic] .. lic .. str[#seat] .. seat .. str[#fence] .. fence
    .. str[#start] .. start .. str[#max] .. max .. str[#valid] .. valid .. head(person) .. person .. head(device) .. device
end

local OVER_FOR_GOOD = {released = true, revoked = true, superseded = true}

-- The copy of a member: epoch, whether he may hold a seat, person; nothing if it is not there. put_member.lua writes it.
local function member(user) return unpacked(call('GET', member_key(user))) end

-- The copy of a licence's limits, or nil; times are in ms. put_entitlement.lua writes it. Whoever changes the values or their order, here or
-- above, raises FORMAT in src/keys.rs.
local MAX, SUSPENDED, STATUS, ENDS, SEATS, LEASE, BEAT, OFFLINE, CAP, HOLDERS, SHOWN = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
local function as_limits(packed)
  if packed then return {cmsgpack.unpack(packed)} end
end

local function limits(lic) return as_limits(call('GET', limits_key(lic))) end

-- What stands in the way on a licence, or nil. `running`: somebody who holds a seat and wants to go on.
local function obstacle(lim, running)
  if lim[SUSPENDED] == '1' then return 'tenant_suspended' end
  if lim[STATUS] == 'SUSPENDED' or (lim[STATUS] == 'RESTRICTED' and not running) then return 'license_suspended' end
  if lim[STATUS] == 'EXPIRED' or lim[ENDS] <= now then return 'license_expired' end
  return nil
end

-- When so many ms from now end on a licence: never after its own end.
local function end_of(span, lim)
  return math.min(now + span, lim[ENDS])
end
