-- Ends a session for good, live or not, known or not. Answers the hold as it was, if it was live.
-- ARGV: tenant, session, reason, how long to remember in ms
local sid, reason, remember = ARGV[2], ARGV[3], tonumber(ARGV[4])

local state, user, lic = head_of_session(sid)
local score = state == 'held' and call('ZSCORE', leases_key(lic), sid)
if score and tonumber(score) > now then
  local was = holder(lic, sid, score)
  close(lic, sid, 'revoked', now_text(), reason, remember, session(sid))
  return was
end
if score then close(lic, sid, 'expired', score, nil, nil, session(sid)) end
bury(sid, user or '', 'revoked', int(math.max(remember, call('PTTL', session_key(sid)))), reason)
return ''
