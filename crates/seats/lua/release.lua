-- Gives a seat back, and the device's offline right with it.
-- ARGV: tenant, user, session
local user, sid = ARGV[2], ARGV[3]

local key = session_key(sid)
local s = call('HMGET', key, 'lic', 'end', unpack(FACTS))
local lic, ended, facts = s[1], s[2], {unpack(s, 3)}
if not facts[1] and ended then return 'already_ended' end
if facts[1] ~= user then return 'unknown' end
if ended and ended ~= 'expired' and ended ~= 'closed' then return 'already_ended' end

-- Only the seat's last session has a say over its offline right.
local seat = facts[7]
if call('HGET', seat_key(lic, seat), 'sid') == sid then call('ZREM', offline_key(lic), seat) end

local score = not ended and call('ZSCORE', leases_key(lic), sid)
if score and tonumber(score) > now then
  close(lic, sid, 'released', now, nil, nil, facts)
  return 'released'
end
if score then close(lic, sid, 'expired', score, nil, nil, facts) end
-- Given back after it ran out: its token must not bring it back.
call('HSET', key, 'end', 'released')
return 'already_ended'
