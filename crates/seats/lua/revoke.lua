-- Ends a session for good, live or not, known or not. Answers the hold as it was, if it was live.
-- ARGV: tenant, session, reason, how long to remember in ms
local sid, reason, remember = ARGV[2], ARGV[3], tonumber(ARGV[4])

local state, user, its_licence = head_of_session(sid)
local lic = state == 'held' and licence(its_licence)
local ends = lic and score_of(lic.leases, sid)
if ends and ends > now then
  local was = holder(its_licence, sid, int(ends))
  close(lic, sid, 'revoked', now_text, reason, int(now + remember), session(sid))
  return was
end
if ends then close(lic, sid, 'expired', int(ends), nil, nil, session(sid)) end
bury(sid, user or '', 'revoked', int(now + math.max(remember, call('PTTL', session_key(sid)))), reason)
return ''
