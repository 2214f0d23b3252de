-- For what may take a seat, and the sweeper.

-- Most leases that those who want a seat close, all of a batch together; the rest is the sweeper's. The count never includes them anyway.
local DROP = 100

-- How many they may still close.
local may_drop

-- Closes leases that ran out, each at the moment at which it did.
local function drop_expired(lic, most)
  local leases = lic.leases
  write_set(leases)
  local due = call('ZRANGEBYSCORE', leases.key, '-inf', now_text, 'WITHSCORES', 'LIMIT', '0', int(most))
  for i = 1, #due, 2 do
    leases.scores[due[i]] = tonumber(due[i + 1])
    want(session_key(due[i]))
  end
  fetch()
  for i = 1, #due, 2 do close(lic, due[i], 'expired', due[i + 1], nil, nil, session(due[i])) end
  return #due / 2
end

-- Seats in use, when what ran out has been closed: so the events of a licence tell of its ends before they tell of who came after.
local function settled(lic)
  local count = active(lic)
  if may_drop > 0 and size_of(lic.leases) > count then may_drop = may_drop - drop_expired(lic, may_drop) end
  return count
end

-- What `last_hold` reads.
local function want_hold(lic, seat)
  local sid = seat_facts(lic, seat)
  if sid then want_score(lic.leases, sid) end
end

-- The last session of a seat: {sid, fence, valid, ends}, or nil; `valid` is a text, and `ends` is only there while it is live. A seat never
-- has two leases: one that ran out is closed here, even if the sweeper did not get to it.
local function last_hold(lic, seat)
  local sid, fence, valid = seat_facts(lic, seat)
  if not sid then return nil end
  local ends = score_of(lic.leases, sid)
  if ends and ends <= now then
    close(lic, sid, 'expired', int(ends), nil, nil, session(sid))
    ends = false
  end
  return {sid = sid, fence = tonumber(fence), valid = valid, ends = ends}
end

-- The device's older session gives way to a newer one on the same seat.
local function supersede(lic, last, user)
  take_out(lic.leases, last.sid)
  bury(last.sid, user, 'superseded', remembered_until(last.valid))
end

-- Sees to it that the set of rights lasts as long as one that is counted until then.
local function rights_last(rights, counted)
  if rights.lasts then return end
  write_set(rights)
  rights.lasts = true
  if call('PTTL', rights.key) < counted - now then call('PEXPIREAT', rights.key, int(counted)) end
end

-- Until when a token may be valid without contact. What reaches beyond the lease is an offline right, one per device; above the cap
-- there is none. As text.
local function valid_until(lic, lim, seat)
  local rights = lic.rights
  if lim.valid <= lim.ends then
    take_out(rights, seat)
    return lim.ends_text
  end
  put(rights, seat, lim.counted, lim.counted_text)
  if size_of(rights) > lim[CAP] then
    write_set(rights)
    call('ZREMRANGEBYSCORE', rights.key, '-inf', now_text)
    rights.size, rights.lasts = nil, false
    if size_of(rights) > lim[CAP] then
      take_out(rights, seat)
      return lim.ends_text
    end
  end
  rights_last(rights, lim.counted)
  return lim.valid_text
end

-- `count` is a number, fence and time are texts.
local function granted(lic, lim, sid, fence, new, count, valid)
  return 'granted\n' .. sid .. '\n' .. fence .. (new and '\n1\n' or '\n0\n') .. lic.id .. '\n' .. int(count) .. '\n' .. now_text
    .. '\n' .. lim.ends_text .. '\n' .. valid .. '\n' .. lim[SHOWN]
end

-- The licence has a lease that ends when those of now do. Kept is a lower bound of its next expiry: heartbeats only move that away, so they
-- need not touch it.
local function note_due(lic, lim)
  if lic.noted then return end
  lic.noted = true
  local added = call('ZADD', shard .. 'due', 'LT', lim.ends_text, tenant .. ':' .. lic.id)
  if added == 1 then call('SADD', prefix .. 'lics', lic.id) end
end

-- Puts the session on a seat. `last` is the seat's last hold; `kind`: its event, or nil for a restart on a seat that is held, which changes
-- nothing that is counted; `count`: seats in use afterwards.
local function open(lic, lim, sid, seat, last, user, person, device, fence, start, kind, count)
  local renewed = last and last.ends
  local fence_text, start_text = int(fence), start == now and now_text or int(start)
  local valid = valid_until(lic, lim, seat)
  set(session_key(sid), packed_session('held', user, lic.id, seat, fence_text, start_text, lim[MAX], valid, person, device))
  set(seat_key(lic, seat), packed_seat(sid, fence_text, valid))
  put(lic.leases, sid, lim.ends, lim.ends_text)
  if not renewed then call('HSET', own_key(lic.id, user), seat, '') end
  -- A renewed seat's licence has an entry, which is too late only if leases have become shorter.
  if not renewed or lim.ends < renewed then note_due(lic, lim) end
  if kind then event(kind, now_text, lic, sid, user, device, fence_text, start_text, count, lim[MAX]) end
  return granted(lic, lim, sid, fence_text, not renewed, count, valid)
end

-- The session holds the seat already: extends the lease and says the same again.
local function extend(lic, lim, seat, last)
  local sid = last.sid
  local valid = valid_until(lic, lim, seat)
  put(lic.leases, sid, lim.ends, lim.ends_text)
  note_due(lic, lim)
  local state, user, _, _, fence, start, max, _, person, device = session(sid)
  set(session_key(sid), packed_session(state, user, lic.id, seat, fence, start, max, valid, person, device))
  set(seat_key(lic, seat), packed_seat(sid, fence, valid))
  return granted(lic, lim, sid, fence, false, active(lic), valid)
end

-- Checks that come before any licence: copies, epoch, role, tenant. An answer; or nil, and who the member is.
local function admit(user, epoch)
  local its_epoch, holds, person = member(user)
  local its_licences = owned()
  if not its_epoch or not its_licences then return answer('missing', its_licences and '0' or '1', its_epoch and '0' or '1') end
  if its_epoch ~= epoch then return answer('refused', 'stale_epoch') end
  if holds ~= '1' then return answer('refused', 'role_holds_no_seat') end
  if its_licences.suspended then return answer('refused', 'tenant_suspended') end
  return nil, person
end
