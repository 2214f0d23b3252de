-- Stands in front of every script: the moment, the keys, what the copies say, and how a hold ends.
--
-- KEYS[1] is the shard's prefix, `{sN}:`. Every key of a script is that prefix and more, so all of them lie in the slot that
-- Redis Cluster finds from KEYS[1]. ARGV[1] is the tenant. The keys are listed in src/keys.rs.
--
-- The only clock is Redis TIME, which stands still while a script runs. A lease is live while its score > now.

local call = redis.call
local HOUR = 3600000

local shard = KEYS[1]
local tenant = ARGV[1]
local prefix = shard .. 't:' .. tenant .. ':'

local clock = call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local after_now = '(' .. string.format('%.0f', now)

local function session_key(sid) return prefix .. 's:' .. sid end
local function member_key(user) return prefix .. 'u:' .. user end
local function entitlement_key() return prefix .. 'ent' end
local function limits_key(lic) return prefix .. 'lic:' .. lic .. ':limits' end
local function leases_key(lic) return prefix .. 'lic:' .. lic .. ':leases' end
local function held_key(lic) return prefix .. 'lic:' .. lic .. ':held' end
local function offline_key(lic) return prefix .. 'lic:' .. lic .. ':offline' end
local function seat_key(lic, seat) return prefix .. 'lic:' .. lic .. ':seat:' .. seat end

-- Seats in use now, whether or not the expired ones have been swept.
local function active(lic)
  return call('ZCOUNT', leases_key(lic), after_now, '+inf')
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

-- The limits of a licence are not there. Either the tenant has no such licence, or the copy is broken and must be loaded again.
local function no_limits(lic)
  local order = call('HGET', entitlement_key(), 'order')
  if order and not string.find(order, lic, 1, true) then return {'refused', 'license_not_found'} end
  call('DEL', entitlement_key())
  return {'missing', 1, 0}
end

-- One event in the shard's stream. `who` = {user, hardware id, instance id, hostname, client version, fence}.
local function event(kind, at, lic, sid, who, max, reason)
  call('XADD', shard .. 'events', '*', 'kind', kind, 'at', at, 'tenant', tenant, 'lic', lic, 'sid', sid,
    'user', who[1], 'hw', who[2], 'inst', who[3], 'host', who[4], 'ver', who[5], 'fence', who[6],
    'active', active(lic), 'max', max, 'why', reason or '')
end

-- Ends a hold: frees the seat, writes the event, and leaves behind what later calls on the session must know.
-- `how`: expired, released, superseded, revoked, or closed (by what the licence or the role allows; `reason` says by what).
-- The device's offline right stays: its token is still out there.
local function close(lic, sid, how, at, reason, remember)
  local key = session_key(sid)
  local s = call('HMGET', key, 'user', 'hw', 'inst', 'host', 'ver', 'fence', 'seat', 'valid', 'max')
  call('ZREM', leases_key(lic), sid)
  call('ZREM', held_key(lic), sid)
  if not s[1] then return end
  -- As long as the session's token is valid, it must be told apart from one that was never heard of.
  local keep = math.max(s[8] - now, HOUR)
  call('PEXPIRE', seat_key(lic, s[7]), keep)
  if how == 'expired' or how == 'closed' then
    -- May come back on the strength of its token, so it keeps its facts.
    call('HSET', key, 'end', how)
  else
    call('DEL', key)
    call('HSET', key, 'user', s[1], 'end', how, 'why', reason or '')
    keep = remember or keep
  end
  call('PEXPIRE', key, keep)
  event(how == 'closed' and 'revoked' or how, at, lic, sid, s, call('HGET', limits_key(lic), 'max') or s[9], reason)
end

-- A live hold, as src/reply.rs reads it, or nil when it has ended. Names come from the member's copy, or from the time of the grant when that is gone.
local names = {}
local function holder(lic, sid, ends)
  local s = call('HMGET', session_key(sid), 'user', 'name', 'mail', 'hw', 'inst', 'host', 'ver', 'start', 'beat', 'end')
  if not s[8] or s[10] then return nil end
  local name = names[s[1]]
  if not name then
    name = call('HMGET', member_key(s[1]), 'name', 'mail')
    names[s[1]] = name
  end
  return {sid, lic, s[1], name[1] or s[2], name[2] or s[3], s[4], s[5], s[6], s[7], s[8], s[9], ends}
end
