-- Stands in front of all functions of the library (src/library.rs puts it together). Redis makes its functions once, when it loads it, and
-- not at every call, as it does with scripts.
--
-- KEYS[1] is the shard's prefix. Every key of a call is that prefix and more, so all of them lie in the slot that Redis Cluster finds
-- from KEYS[1]. ARGV[1] is the tenant, or empty where a call is about the whole shard. The keys are listed in src/keys.rs.
--
-- The only clock is Redis TIME, which stands still while a function runs. A lease is live while its score > now.

-- What one call is about; `begin` sets all of them.
local call, shard, tenant, prefix, now
-- Names of people that this call has read.
local people

local function of_tenant(id)
  tenant = id
  prefix = shard .. 't:' .. id .. ':'
end

-- Every function begins with it (src/library.rs puts it there): whatever the call before has left is gone.
local function begin(KEYS, ARGV)
  call = redis.call
  shard = KEYS[1]
  of_tenant(ARGV[1])
  local clock = call('TIME')
  now = clock[1] * 1000 + math.floor(clock[2] / 1000)
  people = nil
end

-- A whole number as text. Redis itself would write it as a fraction of 17 digits, which costs ten times as much.
local function int(number) return string.format('%d', number) end

-- An answer is one text, with a field in each line, since Redis and its client take their time for every value of an array. Only the last
-- field may have lines of its own.
local function answer(...) return table.concat({...}, '\n') end

local function session_key(sid) return prefix .. 's:' .. sid end
local function ended_key(sid) return prefix .. 'x:' .. sid end
local function member_key(user) return prefix .. 'u:' .. user end
local function limits_key(lic) return prefix .. 'lic:' .. lic .. ':limits' end
local function leases_key(lic) return prefix .. 'lic:' .. lic .. ':leases' end

-- What is known of a session from its beginning on: user, licence, seat, fence, start, limit, person, device; nothing for nil. They are
-- packed (MessagePack), since as fields of the hash they would cost far more to write and to read. `open` in grant.lua writes them.
local function facts_of(packed)
  if packed then return cmsgpack.unpack(packed) end
end

-- The copy of a member: epoch, whether he may hold a seat, person; nothing if it is not there. put_member.lua writes it.
local function member(user)
  local packed = call('GET', member_key(user))
  if packed then return cmsgpack.unpack(packed) end
end

-- The copy of a licence's limits, or nil. put_entitlement.lua writes it. Whoever changes the values or their order raises FORMAT in
-- src/keys.rs.
local function limits(lic)
  local packed = call('GET', limits_key(lic))
  if not packed then return nil end
  local suspended, tier, features, status, max, overage, ends, lease, beat, offline, cap, holders, tolerance = cmsgpack.unpack(packed)
  return {suspended = suspended, tier = tier, features = features, status = status, max = max, ends = ends, lease = lease, beat = beat,
    offline = offline, cap = tonumber(cap), holders = holders, tolerance = tolerance, seats = max + math.floor(max * overage / 100)}
end

-- What stands in the way on a licence, or nil. `running`: somebody who holds a seat and wants to go on.
local function obstacle(lim, running)
  if lim.suspended == '1' then return 'tenant_suspended' end
  if lim.status == 'SUSPENDED' or (lim.status == 'RESTRICTED' and not running) then return 'license_suspended' end
  if lim.status == 'EXPIRED' or (tonumber(lim.ends) or math.huge) <= now then return 'license_expired' end
  return nil
end

-- When so many seconds from now end on a licence: never after its own end.
local function end_of(seconds, lim)
  return math.min(now + seconds * 1000, tonumber(lim.ends) or math.huge)
end
