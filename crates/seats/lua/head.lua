-- Stands in front of all functions of the library (src/library.rs puts it together). Redis makes its functions once, when it loads it, and
-- not at every call, as it does with scripts.
--
-- KEYS[1] is the shard's prefix. Every key of a call is that prefix and more, so all of them lie in the slot that Redis Cluster finds
-- from KEYS[1]. ARGV[1] is the tenant. The keys are listed in src/keys.rs.
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

-- Every function begins with it: whatever the call before has left is gone.
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

-- What stands in the way on a licence, or nil. `running`: somebody who holds a seat and wants to go on.
local function obstacle(suspended, status, ends, running)
  if suspended == '1' then return 'tenant_suspended' end
  if status == 'SUSPENDED' or (status == 'RESTRICTED' and not running) then return 'license_suspended' end
  if status == 'EXPIRED' or (tonumber(ends) or math.huge) <= now then return 'license_expired' end
  return nil
end

-- When a lease that is granted or extended now ends: never after the licence's own end.
local function lease_end(seconds, ends)
  return math.min(now + seconds * 1000, tonumber(ends) or math.huge)
end
