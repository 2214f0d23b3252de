-- Brings a session back whose lease ran out or was lost, on the strength of its token.
-- ARGV: tenant, user, epoch, session, seat, hardware id, instance id, licence, fence of the token
local user, sid, seat, lic, token_fence = ARGV[2], ARGV[4], ARGV[5], ARGV[8], tonumber(ARGV[9])

local s = call('HMGET', session_key(sid), 'user', 'lic', 'end', 'why', 'host', 'ver', 'start')
if s[3] == 'revoked' and (not s[1] or s[1] == user) then return {'revoked', s[4]} end
if s[1] and (s[1] ~= user or s[3] == 'superseded' or s[3] == 'released' or s[2] ~= lic) then return {'superseded'} end

local answer, member = admit(user, ARGV[3])
if answer then return answer end
local lim = limits(lic)
if not lim then return no_limits(lic) end

local last = last_hold(lic, seat)
local same_seat = last and last.live and last.sid == sid
local why = obstacle(lim.suspended, lim.status, lim.ends, same_seat)
if why then return {'refused', why} end
if same_seat then return extend(lic, lim, sid, seat, last.fence) end
if last and last.sid ~= sid and last.fence > token_fence then return {'superseded'} end

-- Above both the token's fence and whatever the store remembers, or the time when it remembers nothing: no two events alike.
local who = {user, ARGV[6], ARGV[7], s[5] or '', s[6] or '', math.max(last and last.fence or now - 1, token_fence) + 1}
local count = settled(lic)
if last and last.live then
  -- The store lost this session's grant and still has the older one: same seat.
  supersede(lic, lim, last, user)
elseif count < lim.seats then
  count = count + 1
  -- One of those whose seats were kept for them is back.
  if tonumber(call('GET', expected_key(lic)) or 0) > 0 then call('DECR', expected_key(lic)) end
else
  -- The refusal gets an id of its own, since the session has one already.
  local hash = redis.sha1hex(sid .. ':' .. now)
  local denied = string.gsub(string.sub(hash, 1, 32), '^(%x%x%x%x%x%x%x%x)(%x%x%x%x)(%x%x%x%x)(%x%x%x%x)(%x+)$', '%1-%2-%3-%4-%5')
  who[6] = 0
  return exhausted(lic, lim, seat, who, denied, count)
end
call('DEL', session_key(sid))
return open(lic, lim, sid, seat, last, who, member, s[7] or now, 'reacquired', count)
