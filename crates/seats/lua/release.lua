-- Gives a seat back, and the device's offline right with it.
-- ARGV: tenant, user, session
local user, sid = ARGV[2], ARGV[3]

local s = call('HMGET', session_key(sid), 'facts', 'valid', 'end')
local known, valid, ended = s[1], s[2], s[3]
local owner, lic, seat = facts_of(known)
if not known then
  local how, of = buried(sid)
  if how and (of == '' or of == user) then return 'already_ended' end
end
if owner ~= user then return 'unknown' end

local score = not ended and call('ZSCORE', leases_key(lic), sid)
if score and tonumber(score) > now then
  -- What is live is its seat's last session.
  call('ZREM', offline_key(lic), seat)
  close(lic, sid, 'released', int(now), nil, nil, known, valid)
  return 'released'
end

-- Only the seat's last session has a say over its offline right.
if seat_facts(lic, seat) == sid then call('ZREM', offline_key(lic), seat) end
if score then close(lic, sid, 'expired', score, nil, nil, known, valid) end
-- Given back after it ran out: its token must not bring it back.
bury(sid, user, 'released', math.max(valid - now, HOUR))
return 'already_ended'
