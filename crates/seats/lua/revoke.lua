-- Ends a session for good, live or not, known or not. Answers the hold as it was, if it was live.
-- ARGV: tenant, session, reason, how long to remember in ms
local sid, reason, remember = ARGV[2], ARGV[3], tonumber(ARGV[4])

local s = call('HMGET', session_key(sid), 'facts', 'end')
local user, lic = facts_of(s[1])
local score = user and not s[2] and call('ZSCORE', leases_key(lic), sid)
if score and tonumber(score) > now then
  local was = holder(lic, sid, score)
  close(lic, sid, 'revoked', int(now), reason, remember)
  return was or ''
end
if score then close(lic, sid, 'expired', score) end
local _, of = buried(sid)
bury(sid, user or of or '', 'revoked', math.max(remember, call('PTTL', session_key(sid)), call('PTTL', ended_key(sid))), reason)
return ''
