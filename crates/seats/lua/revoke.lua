-- Ends a session for good, live or not, known or not. Answers the hold as it was, if it was live.
-- ARGV: tenant, session, reason, how long to remember in ms
local sid, reason, remember = ARGV[2], ARGV[3], tonumber(ARGV[4])

local key = session_key(sid)
local s = call('HMGET', key, 'user', 'lic', 'end')
local was
if s[1] and not s[3] then
  local score = call('ZSCORE', leases_key(s[2]), sid)
  if score and tonumber(score) > now then
    was = holder(s[2], sid, score)
    close(s[2], sid, 'revoked', now, reason, remember)
  elseif score then
    close(s[2], sid, 'expired', score)
  end
end
if not was then
  remember = math.max(remember, call('PTTL', key))
  call('DEL', key)
  call('HSET', key, 'end', 'revoked', 'why', reason)
  if s[1] then call('HSET', key, 'user', s[1]) end
  call('PEXPIRE', key, remember)
end
return was or {}
