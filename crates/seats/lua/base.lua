-- The other keys, what the copies say, and how a hold ends.

local HOUR = 3600000

local function events_key() return shard .. 'events' end
local function entitlement_key() return prefix .. 'ent' end
local function offline_key(lic) return prefix .. 'rights:' .. lic end
local function expected_key(lic) return prefix .. 'expected:' .. lic end
local function seat_key(lic, seat) return prefix .. 'seat:' .. lic .. ':' .. seat end
local function own_key(lic, user) return prefix .. 'own:' .. lic .. ':' .. user end

-- A seat's last session, its fence and until when its token is valid, as texts; nothing if it has had none that is remembered.
local function seat_facts(lic, seat) return unpacked(call('GET', seat_key(lic, seat))) end

local function packed_seat(sid, fence, valid) return str[#sid] .. sid .. str[#fence] .. fence .. str[#valid] .. valid end

-- For ranges of scores: whatever lies in the future.
local function after_now() return '(' .. now_text() end

-- Seats in use now, whether or not the expired ones have been swept.
local function active(lic)
  return call('ZCOUNT', leases_key(lic), after_now(), '+inf')
end

-- The limits of a licence are not there. Either the tenant has no such licence, or the copy is broken and must be loaded again.
local function no_limits(lic)
  local _, _, order = unpacked(call('GET', entitlement_key()))
  if order and not string.find(order, lic, 1, true) then return answer('refused', 'license_not_found') end
  call('DEL', entitlement_key())
  return answer('missing', '1', '0')
end

-- One event in the shard's stream, as src/events.rs reads it. `start`: when the session began; `count`: seats in use after it.
local function event(kind, at, lic, sid, user, device, fence, start, count, max, reason)
  local text = kind .. '\n' .. at .. '\n' .. tenant .. '\n' .. lic .. '\n' .. sid .. '\n' .. user .. '\n' .. fence .. '\n' .. start .. '\n'
    .. int(count) .. '\n' .. max .. '\n' .. device .. '\n' .. (reason or '')
  call('XADD', events_key(), '*', 'e', text)
end

-- What stays of a session that is over for good, as long as its token may be valid: it must be told apart from one that was never
-- heard of, so long in ms (as text). `user` is empty where it is not known.
local function bury(sid, user, how, keep, reason)
  reason = reason or ''
  call('SET', session_key(sid), str[#how] .. how .. str[#user] .. user .. head(reason) .. reason, 'PX', keep)
end

-- The seats of a licence that were bought, as text: by its copy, or else as they were when a session began.
local function bought(lic, at_start)
  local packed = call('GET', limits_key(lic))
  if not packed then return at_start end
  return (select(2, cmsgpack.unpack_limit(packed, 1)))
end

-- Ends a hold: frees the seat, writes the event, and leaves behind what later calls on the session must know.
-- `how`: expired, released, revoked, or closed (by what the licence or the role allows; `reason` says by what). The last are what `session`
-- said. The device's offline right stays: its token is still out there.
local function close(lic, sid, how, at, reason, remember, state, user, _, seat, fence, start, max, valid, person, device)
  call('ZREM', leases_key(lic), sid)
  if state ~= 'held' then return end
  local keep = int(math.max(valid - now, HOUR))
  call('PEXPIRE', seat_key(lic, seat), keep)
  call('HDEL', own_key(lic, user), seat)
  if how == 'expired' or how == 'closed' then
    -- May come back on the strength of its token, so it keeps its facts.
    call('SET', session_key(sid), packed_session(how, user, lic, seat, fence, start, max, valid, person, device), 'PX', keep)
  else
    bury(sid, user, how, remember and int(remember) or keep, reason)
  end
  local kind = how == 'closed' and 'revoked' or how
  event(kind, at, lic, sid, user, device, fence, start, active(lic), bought(lic, max), reason)
end
