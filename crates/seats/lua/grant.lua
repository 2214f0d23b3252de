-- Stands between base.lua and the scripts that may take a seat, and the sweeper.

-- Most leases that one call closes; the rest is the sweeper's. The count never includes them anyway.
local DROP = 100
-- A device that is refused counts once in this time.
local DENIED_ONCE_IN = 60000
local HOLDERS = 20
local OWN = 5
-- How old the list of holders in a refusal may be.
local SHOWN_FOR = 500

local LIMITS = {'key', 'tier', 'features', 'status', 'max', 'overage', 'ends', 'lease', 'beat', 'offline', 'cap', 'holders',
  'tolerance', 'suspended'}

local function limits(lic)
  local values = call('HMGET', limits_key(lic), unpack(LIMITS))
  if not values[1] then return nil end
  local lim = {values = values}
  for i, field in ipairs(LIMITS) do lim[field] = values[i] end
  -- A copy from before the newest field is loaded again.
  if not lim.tolerance then return nil end
  lim.seats = lim.max + math.floor(lim.max * lim.overage / 100)
  return lim
end

-- Closes leases that ran out, each at the moment at which it did.
local function drop_expired(lic, most)
  local due = call('ZRANGEBYSCORE', leases_key(lic), '-inf', now, 'WITHSCORES', 'LIMIT', 0, most)
  for i = 1, #due, 2 do close(lic, due[i], 'expired', due[i + 1]) end
  return #due / 2
end

-- Seats in use, when what ran out has been closed: so the events of a licence tell of its ends before they tell of who came after.
local function settled(lic)
  local count = active(lic)
  if call('ZCARD', leases_key(lic)) > count then drop_expired(lic, DROP) end
  return count
end

-- The last session of a seat: {sid, fence, live, valid}, or nil. A seat never has two leases: one that ran out is closed here, even if
-- the sweeper did not get to it.
local function last_hold(lic, seat)
  local last = call('HMGET', seat_key(lic, seat), 'sid', 'fence', 'valid')
  if not last[1] then return nil end
  local score = call('ZSCORE', leases_key(lic), last[1])
  local live = score and tonumber(score) > now
  if score and not live then close(lic, last[1], 'expired', score) end
  return {sid = last[1], fence = tonumber(last[2]), live = live, valid = tonumber(last[3])}
end

-- The device's older session gives way to a newer one on the same seat.
local function supersede(lic, lim, last, user)
  call('ZREM', leases_key(lic), last.sid)
  call('ZREM', held_key(lic), last.sid)
  local valid = last.valid or lease_end(lim.offline, lim.ends)
  bury(last.sid, user, 'superseded', math.max(valid - now, HOUR))
end

-- Until when a token may be valid without contact. What reaches beyond the lease is an offline right, one per device; above the cap
-- there is none.
local function valid_until(lic, lim, seat, ends)
  local key = offline_key(lic)
  local valid = lease_end(lim.offline, lim.ends)
  if valid <= ends then
    call('ZREM', key, seat)
    return ends
  end
  local cap = tonumber(lim.cap)
  call('ZADD', key, valid, seat)
  if call('ZCARD', key) > cap then
    call('ZREMRANGEBYSCORE', key, '-inf', now)
    if call('ZCARD', key) > cap then
      call('ZREM', key, seat)
      return ends
    end
  end
  -- With an hour more, so that this is not written at every grant.
  if call('PTTL', key) < valid - now then call('PEXPIREAT', key, valid + HOUR) end
  return valid
end

local function granted(lic, lim, sid, fence, new, count, ends, valid)
  return {'granted', sid, fence, new and 1 or 0, lic, count, now, ends, valid, unpack(lim.values)}
end

-- The licence has a lease that ends then. Kept is a lower bound of its next expiry: heartbeats only move that away, so they need not
-- touch it.
local function due_at(lic, ends)
  local added = call('ZADD', shard .. 'due', 'LT', ends, tenant .. ':' .. lic)
  if added == 1 then call('SADD', prefix .. 'lics', lic) end
end

-- Puts the session on a seat. `who` = {user, hardware id, instance id, hostname, client version, fence}; `last` is the seat's last hold;
-- `kind`: its event, or nil for a restart on a seat that is held, which changes nothing that is counted; `count`: seats in use afterwards.
local function open(lic, lim, sid, seat, last, who, member, start, kind, count)
  local renewed = last and last.live
  local ends = lease_end(lim.lease, lim.ends)
  local valid = valid_until(lic, lim, seat, ends)
  call('HSET', session_key(sid), 'user', who[1], 'hw', who[2], 'inst', who[3], 'host', who[4], 'ver', who[5], 'fence', who[6],
    'lic', lic, 'seat', seat, 'start', start, 'beat', now, 'valid', valid, 'max', lim.max, 'name', member[3], 'mail', member[4])
  call('ZADD', leases_key(lic), ends, sid)
  call('ZADD', held_key(lic), start, sid)
  call('HSET', seat_key(lic, seat), 'sid', sid, 'fence', who[6], 'valid', valid)
  if last and not renewed then call('PERSIST', seat_key(lic, seat)) end
  call('SADD', own_key(lic, who[1]), seat)
  due_at(lic, ends)
  if kind then event(kind, now, lic, sid, who, start, count, lim.max) end
  return granted(lic, lim, sid, who[6], not renewed, count, ends, valid)
end

-- The session holds the seat already: extends the lease and says the same again.
local function extend(lic, lim, sid, seat, fence)
  local ends = lease_end(lim.lease, lim.ends)
  local valid = valid_until(lic, lim, seat, ends)
  call('ZADD', leases_key(lic), ends, sid)
  due_at(lic, ends)
  call('HSET', session_key(sid), 'beat', now, 'valid', valid)
  call('HSET', seat_key(lic, seat), 'valid', valid)
  return granted(lic, lim, sid, fence, false, active(lic), ends, valid)
end

-- Those who have had a seat longest, as JSON. One list is shown for a moment, since a crowd that is refused at once would have Redis read
-- twenty holders for each.
local function shown(lic)
  local key = prefix .. 'lic:' .. lic .. ':shown'
  local kept = call('GET', key)
  if kept then return kept end
  local list = {}
  for _, sid in ipairs(call('ZRANGE', held_key(lic), 0, 2 * HOLDERS)) do
    local ends = call('ZSCORE', leases_key(lic), sid)
    if ends and tonumber(ends) > now then list[#list + 1] = holder(lic, sid, ends) end
    if #list == HOLDERS then break end
  end
  local text = #list > 0 and cjson.encode(list) or '[]'
  call('SET', key, text, 'PX', SHOWN_FOR)
  return text
end

-- Every seat is taken. The next sure free time is when enough leases have ended to be below the limit.
local function exhausted(lic, lim, seat, who, denied, count)
  if call('SET', prefix .. 'denied:' .. seat, 1, 'NX', 'PX', DENIED_ONCE_IN) then
    event('denied', now, lic, denied, who, now, count, lim.max)
  end
  local skip = math.max(count - lim.seats, 0)
  local next_free = call('ZRANGEBYSCORE', leases_key(lic), after_now(), '+inf', 'WITHSCORES', 'LIMIT', skip, 1)[2]
  local answer = {'exhausted', lic, count, tonumber(lim.max), now, next_free or lease_end(lim.lease, lim.ends),
    lim.holders == '1' and shown(lic) or '[]'}
  -- The seats that the same person holds on other devices, which he may end himself.
  for _, other in ipairs(call('SRANDMEMBER', own_key(lic, who[1]), OWN)) do
    local held = seat_holder(lic, other)
    answer[#answer + 1] = held
    if not held then call('SREM', own_key(lic, who[1]), other) end
  end
  return answer
end

-- Checks that come before any licence: copies, epoch, role, tenant. An answer; or nil, the member's copy and the order of licences.
local function admit(user, epoch)
  local member = call('HMGET', member_key(user), 'epoch', 'holds', 'name', 'mail')
  local owned = call('HMGET', entitlement_key(), 'suspended', 'order')
  if not member[1] or not owned[1] then return {'missing', owned[1] and 0 or 1, member[1] and 0 or 1} end
  if member[1] ~= epoch then return {'refused', 'stale_epoch'} end
  if member[2] ~= '1' then return {'refused', 'role_holds_no_seat'} end
  if owned[1] == '1' then return {'refused', 'tenant_suspended'} end
  return nil, member, owned[2]
end
