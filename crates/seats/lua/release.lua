-- Gives a seat back, and the device's offline right with it.
-- ARGV: tenant, user, session
local user, sid = ARGV[2], ARGV[3]

local state, owner, lic, seat, fence, start, max, valid, person, device = session(sid)
if OVER_FOR_GOOD[state] and (owner == '' or owner == user) then return 'already_ended' end
if OVER_FOR_GOOD[state] or owner ~= user then return 'unknown' end

local score = state == 'held' and call('ZSCORE', leases_key(lic), sid)
if score and tonumber(score) > now then
  -- What is live is its seat's last session.
  call('ZREM', offline_key(lic), seat)
  close(lic, sid, 'released', now_text(), nil, nil, state, owner, lic, seat, fence, start, max, valid, person, device)
  return 'released'
end

-- Only the seat's last session has a say over its offline right.
if seat_facts(lic, seat) == sid then call('ZREM', offline_key(lic), seat) end
if score then close(lic, sid, 'expired', score, nil, nil, state, owner, lic, seat, fence, start, max, valid, person, device) end
-- Given back after it ran out: its token must not bring it back.
bury(sid, user, 'released', int(math.max(valid - now, HOUR)))
return 'already_ended'
