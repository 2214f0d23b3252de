-- Stands behind head.lua: the other keys, what the copies say, and how a hold ends.

local HOUR = 3600000

local function entitlement_key() return prefix .. 'ent' end
local function held_key(lic) return prefix .. 'lic:' .. lic .. ':held' end
local function offline_key(lic) return prefix .. 'lic:' .. lic .. ':offline' end
local function expected_key(lic) return prefix .. 'lic:' .. lic .. ':expected' end
local function seat_key(lic, seat) return prefix .. 'lic:' .. lic .. ':seat:' .. seat end
local function own_key(lic, user) return prefix .. 'lic:' .. lic .. ':own:' .. user end

-- For ranges of scores: whatever lies in the future.
local function after_now() return '(' .. string.format('%.0f', now) end

-- Seats in use now, whether or not the expired ones have been swept.
local function active(lic)
  return call('ZCOUNT', leases_key(lic), after_now(), '+inf')
end

-- The limits of a licence are not there. Either the tenant has no such licence, or the copy is broken and must be loaded again.
local function no_limits(lic)
  local order = call('HGET', entitlement_key(), 'order')
  if order and not string.find(order, lic, 1, true) then return {'refused', 'license_not_found'} end
  call('DEL', entitlement_key())
  return {'missing', 1, 0}
end

-- One event in the shard's stream. `who` = {user, hardware id, instance id, hostname, client version, fence}; `start`: when the session
-- began; `count`: seats in use after it.
local function event(kind, at, lic, sid, who, start, count, max, reason)
  call('XADD', shard .. 'events', '*', 'kind', kind, 'at', at, 'tenant', tenant, 'lic', lic, 'sid', sid,
    'user', who[1], 'hw', who[2], 'inst', who[3], 'host', who[4], 'ver', who[5], 'fence', who[6], 'start', start,
    'active', count, 'max', max, 'why', reason or '')
end

-- What stays of a session that is over for good, as long as its token may be valid: it must be told apart from one that was never
-- heard of.
local function bury(sid, user, how, keep, reason)
  local key = session_key(sid)
  call('DEL', key)
  call('HSET', key, 'user', user, 'end', how, 'why', reason or '')
  call('PEXPIRE', key, keep)
end

local FACTS = {'user', 'hw', 'inst', 'host', 'ver', 'fence', 'seat', 'valid', 'max', 'start'}

-- Ends a hold: frees the seat, writes the event, and leaves behind what later calls on the session must know.
-- `how`: expired, released, revoked, or closed (by what the licence or the role allows; `reason` says by what). `facts` are the
-- session's FACTS where they are known.
-- The device's offline right stays: its token is still out there.
local function close(lic, sid, how, at, reason, remember, facts)
  local key = session_key(sid)
  local s = facts or call('HMGET', key, unpack(FACTS))
  call('ZREM', leases_key(lic), sid)
  call('ZREM', held_key(lic), sid)
  if not s[1] then return end
  local keep = math.max(s[8] - now, HOUR)
  call('PEXPIRE', seat_key(lic, s[7]), keep)
  call('SREM', own_key(lic, s[1]), s[7])
  if how == 'expired' or how == 'closed' then
    -- May come back on the strength of its token, so it keeps its facts.
    call('HSET', key, 'end', how)
    call('PEXPIRE', key, keep)
  else
    bury(sid, s[1], how, remember or keep, reason)
  end
  local max = call('HGET', limits_key(lic), 'max') or s[9]
  event(how == 'closed' and 'revoked' or how, at, lic, sid, s, s[10], active(lic), max, reason)
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

-- Who holds that seat now, or nil.
local function seat_holder(lic, seat)
  local sid = call('HGET', seat_key(lic, seat), 'sid')
  local ends = sid and call('ZSCORE', leases_key(lic), sid)
  if ends and tonumber(ends) > now then return holder(lic, sid, ends) end
end
