-- The other keys, what the copies say, and how a hold ends.

local function events_key() return shard .. 'events' end
local function expected_key(lic) return prefix .. 'expected:' .. lic end
local function seat_key(lic, seat) return lic.seat_prefix .. seat end
local function own_key(lic, user) return prefix .. 'own:' .. lic .. ':' .. user end

-- A seat's last session, its fence and until when its token is valid, as texts; nothing if it has had none that is remembered.
local function seat_facts(lic, seat) return unpacked(get(seat_key(lic, seat))) end

local function packed_seat(sid, fence, valid) return str[#sid] .. sid .. str[#fence] .. fence .. str[#valid] .. valid end

-- Seats in use now, whether or not the expired ones have been swept.
local function active(lic) return live_in(lic.leases) end

-- Some of the leases that end in the future, those that end first: sessions and their ends in turn.
local function live_leases(lic, ...)
  write_set(lic.leases)
  return call('ZRANGEBYSCORE', lic.leases.key, '(' .. now_text, '+inf', 'WITHSCORES', ...)
end

-- The limits of a licence are not there. Either the tenant has no such licence, or the copy is broken and must be loaded again.
local function no_limits(lic)
  if owned() and not string.find(owned().order, lic.id, 1, true) then return answer('refused', 'license_not_found') end
  local key = entitlement_key()
  call('DEL', key)
  texts[key], its.owned = false, nil
  return answer('missing', '1', '0')
end

-- Most events in one entry of the stream: a reader takes whole ones.
local IN_ENTRY = 64

-- Events that are not written yet, with the name of the field before each.
local events

local function write_events()
  if events[1] then call('XADD', events_key(), '*', unpack(events)) end
  events = {}
end

-- One event for the shard's stream, as src/events.rs reads it. `start`: when the session began; `count`: seats in use after it.
local function event(kind, at, lic, sid, user, device, fence, start, count, max, reason)
  local text = kind .. '\n' .. at .. '\n' .. tenant .. '\n' .. lic.id .. '\n' .. sid .. '\n' .. user .. '\n' .. fence .. '\n' .. start .. '\n'
    .. int(count) .. '\n' .. max .. '\n' .. device .. '\n' .. (reason or '')
  events[#events + 1] = 'e'
  events[#events + 1] = text
  if #events == 2 * IN_ENTRY then write_events() end
end

-- What stays of a session stays while its token may be valid (a time, as text), and an hour at least.
local function remembered_until(valid)
  if valid - now >= HOUR then return valid end
  return int(now + HOUR)
end

-- What stays of a session that is over for good: it must be told apart from one that was never heard of, until then (as text). `user` is
-- empty where it is not known.
local function bury(sid, user, how, time, reason)
  reason = reason or ''
  set_until(session_key(sid), str[#how] .. how .. str[#user] .. user .. head(reason) .. reason, time)
end

-- Ends a hold: frees the seat, writes the event, and leaves behind what later calls on the session must know.
-- `how`: expired, released, revoked, or closed (by what the licence or the role allows; `reason` says by what). The last are what `session`
-- said. `remember`: until when (as text), where it is not as long as the token. The device's offline right stays: the token is still out there.
local function close(lic, sid, how, at, reason, remember, state, user, lic_id, seat, fence, start, max, valid, person, device)
  take_out(lic.leases, sid)
  if state ~= 'held' then return end
  local kept = remembered_until(valid)
  local key = seat_key(lic, seat)
  if unwritten[key] then write_texts() end
  call('PEXPIREAT', key, kept)
  call('HDEL', own_key(lic_id, user), seat)
  if how == 'expired' or how == 'closed' then
    -- May come back on the strength of its token, so it keeps its facts.
    set_until(session_key(sid), packed_session(how, user, lic_id, seat, fence, start, max, valid, person, device), kept)
  else
    bury(sid, user, how, remember or kept, reason)
  end
  local kind = how == 'closed' and 'revoked' or how
  -- Of a licence whose copy is gone, as many were bought as when the session began.
  local lim = limits(lic)
  event(kind, at, lic, sid, user, device, fence, start, active(lic), lim and lim[MAX] or max, reason)
end
