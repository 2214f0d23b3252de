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

drop_expired(lic, DROP)
local last, fence, live = last_hold(lic, seat)
local same_seat = live and last == sid
local why = obstacle(lim.suspended, lim.status, lim.ends, same_seat)
if why then return {'refused', why} end
if same_seat then return extend(lic, lim, sid, seat, fence) end
if last and last ~= sid and fence > token_fence then return {'superseded'} end

-- Above both the token's fence and whatever the store remembers, or the time when it remembers nothing: no two events alike.
local who = {user, ARGV[6], ARGV[7], s[5] or '', s[6] or '', math.max(fence or now - 1, token_fence) + 1}
if live then
  -- The store lost this session's grant and still has the older one: same seat.
  close(lic, last, 'superseded', now)
  return open(lic, lim, sid, seat, who, member, s[7] or now, 'reacquired', false)
end
if active(lic) < lim.seats then
  return open(lic, lim, sid, seat, who, member, s[7] or now, 'reacquired', true)
end
-- The refusal gets an id of its own, since the session has one already.
local hash = redis.sha1hex(sid .. ':' .. after_now)
local denied = string.gsub(string.sub(hash, 1, 32), '^(%x%x%x%x%x%x%x%x)(%x%x%x%x)(%x%x%x%x)(%x%x%x%x)(%x+)$', '%1-%2-%3-%4-%5')
who[6] = 0
return exhausted(lic, lim, seat, who, denied)
