-- For what may take a seat, and the sweeper.

-- Most leases that one call closes; the rest is the sweeper's. The count never includes them anyway.
local DROP = 100

-- Closes leases that ran out, each at the moment at which it did.
local function drop_expired(lic, most)
  local due = call('ZRANGEBYSCORE', leases_key(lic), '-inf', now_text(), 'WITHSCORES', 'LIMIT', '0', int(most))
  for i = 1, #due, 2 do close(lic, due[i], 'expired', due[i + 1], nil, nil, session(due[i])) end
  return #due / 2
end

-- Seats in use, when what ran out has been closed: so the events of a licence tell of its ends before they tell of who came after.
local function settled(lic)
  local count = active(lic)
  if call('ZCARD', leases_key(lic)) > count then drop_expired(lic, DROP) end
  return count
end

-- The last session of a seat, of which these are the packed facts: {sid, fence, valid, ends}, or nil; `ends` only while it is live. A seat
-- never has two leases: one that ran out is closed here, even if the sweeper did not get to it.
local function last_hold(lic, facts)
  local sid, fence, valid = unpacked(facts)
  if not sid then return nil end
  local score = call('ZSCORE', leases_key(lic), sid)
  local ends = tonumber(score)
  if ends and ends <= now then
    close(lic, sid, 'expired', score, nil, nil, session(sid))
    ends = nil
  end
  return {sid = sid, fence = tonumber(fence), valid = tonumber(valid), ends = ends}
end

-- The device's older session gives way to a newer one on the same seat.
local function supersede(lic, last, user)
  call('ZREM', leases_key(lic), last.sid)
  bury(last.sid, user, 'superseded', int(math.max(last.valid - now, HOUR)))
end

-- Until when a token may be valid without contact. What reaches beyond the lease is an offline right, one per device; above the cap
-- there is none. `last`: the seat's last hold. As text.
local function valid_until(lic, lim, seat, ends, ends_text, last)
  local key = offline_key(lic)
  local valid = end_of(lim[OFFLINE], lim)
  if valid <= ends then
    call('ZREM', key, seat)
    return ends_text
  end
  local valid_text = int(valid)
  local added = call('ZADD', key, valid_text, seat)
  if call('ZCARD', key) > lim[CAP] then
    call('ZREMRANGEBYSCORE', key, '-inf', now_text())
    if call('ZCARD', key) > lim[CAP] then
      call('ZREM', key, seat)
      return ends_text
    end
  end
  -- The set lasts as long as the last right in it. Each right sees to that, with an hour more, whenever it reaches another hour.
  local same_hour = added == 0 and last and math.floor(last.valid / HOUR) == math.floor(valid / HOUR)
  if not same_hour and call('PTTL', key) < valid + HOUR - now then call('PEXPIREAT', key, int(valid + HOUR)) end
  return valid_text
end

-- `count` is a number, fence and times are texts.
local function granted(lic, lim, sid, fence, new, count, ends, valid)
  return 'granted\n' .. sid .. '\n' .. fence .. '\n' .. (new and '1' or '0') .. '\n' .. lic .. '\n' .. int(count) .. '\n' .. now_text()
    .. '\n' .. ends .. '\n' .. valid .. '\n' .. lim[SHOWN]
end

-- The licence has a lease that ends then (as text). Kept is a lower bound of its next expiry: heartbeats only move that away, so they need
-- not touch it.
local function due_at(lic, ends)
  local added = call('ZADD', shard .. 'due', 'LT', ends, tenant .. ':' .. lic)
  if added == 1 then call('SADD', prefix .. 'lics', lic) end
end

-- Puts the session on a seat. `last` is the seat's last hold; `kind`: its event, or nil for a restart on a seat that is held, which changes
-- nothing that is counted; `count`: seats in use afterwards.
local function open(lic, lim, sid, seat, last, user, person, device, fence, start, kind, count)
  local renewed = last and last.ends
  local ends = end_of(lim[LEASE], lim)
  local ends_text, fence_text, start_text = int(ends), int(fence), start == now and now_text() or int(start)
  local valid = valid_until(lic, lim, seat, ends, ends_text, last)
  call('MSET', session_key(sid), packed_session('held', user, lic, seat, fence_text, start_text, lim[MAX], valid, person, device),
    seat_key(lic, seat), packed_seat(sid, fence_text, valid))
  call('ZADD', leases_key(lic), ends_text, sid)
  if not renewed then call('HSET', own_key(lic, user), seat, '') end
  -- A renewed seat's licence has an entry, which is too late only if leases have become shorter.
  if not renewed or ends < renewed then due_at(lic, ends_text) end
  if kind then event(kind, now_text(), lic, sid, user, device, fence_text, start_text, count, lim[MAX]) end
  return granted(lic, lim, sid, fence_text, not renewed, count, ends_text, valid)
end

-- The session holds the seat already: extends the lease and says the same again.
local function extend(lic, lim, seat, last)
  local sid, ends = last.sid, end_of(lim[LEASE], lim)
  local ends_text = int(ends)
  local valid = valid_until(lic, lim, seat, ends, ends_text, last)
  call('ZADD', leases_key(lic), ends_text, sid)
  due_at(lic, ends_text)
  local state, user, _, _, fence, start, max, _, person, device = session(sid)
  call('MSET', session_key(sid), packed_session(state, user, lic, seat, fence, start, max, valid, person, device),
    seat_key(lic, seat), packed_seat(sid, fence, valid))
  return granted(lic, lim, sid, fence, false, active(lic), ends_text, valid)
end

-- Checks that come before any licence: copies, epoch, role, tenant. An answer; or nil, who the member is, the order of licences, and the
-- packed copy of what the tenant owns.
local function admit(user, epoch)
  local copies = call('MGET', member_key(user), entitlement_key())
  local its_epoch, holds, person = unpacked(copies[1])
  local owned, suspended, order = copies[2]
  if owned then suspended, order = select(3, cmsgpack.unpack_limit(owned, 3)) end
  if not its_epoch or not order then return answer('missing', order and '0' or '1', its_epoch and '0' or '1') end
  if its_epoch ~= epoch then return answer('refused', 'stale_epoch') end
  if holds ~= '1' then return answer('refused', 'role_holds_no_seat') end
  if suspended == '1' then return answer('refused', 'tenant_suspended') end
  return nil, person, order, owned
end
