-- Brings a session back whose lease ran out or was lost, on the strength of its token.
-- ARGV: tenant, user, epoch, session, seat, device as far as the token knows it, licence, fence of the token,
-- whether the token's time is over
local user, sid, seat, device, lic, token_fence = ARGV[2], ARGV[4], ARGV[5], ARGV[6], ARGV[7], tonumber(ARGV[8])

local state, owner, its, _, _, start, _, _, _, known_device = session(sid)
if state == 'revoked' and (owner == '' or owner == user) then return answer('revoked', its) end
if OVER_FOR_GOOD[state] or (state and (owner ~= user or its ~= lic)) then return 'superseded' end

local not_admitted, person = admit(user, ARGV[3])
if not_admitted then return not_admitted end
local found = call('MGET', limits_key(lic), seat_key(lic, seat))
local lim = as_limits(found[1])
if not lim then return no_limits(lic) end
local expected = tonumber(call('GET', expected_key(lic)) or 0)
if ARGV[9] == '1' and expected == 0 then return 'not_live' end

local last = last_hold(lic, found[2])
local same_seat = last and last.ends and last.sid == sid
local why = obstacle(lim, same_seat)
if why then return answer('refused', why) end
if same_seat then return extend(lic, lim, seat, last) end
if last and last.sid ~= sid and last.fence > token_fence then return 'superseded' end

device = known_device or device
local count = settled(lic)
local free = count < lim[SEATS]
if last and last.ends then
  -- The store lost this session's grant and still has the older one: same seat.
  supersede(lic, last, user)
elseif free then
  count = count + 1
  -- One of those whose seats were kept for them is back.
  if expected > 0 then call('DECR', expected_key(lic)) end
end
if free or (last and last.ends) then
  -- Above both the token's fence and whatever the store remembers, or the time when it remembers nothing: no two events alike.
  local fence = math.max(last and last.fence or now - 1, token_fence) + 1
  return open(lic, lim, sid, seat, last, user, person, device, fence, start or now, 'reacquired', count)
end

-- The refusal gets an id of its own, since the session has one already. (The last character stands for two bits, so it can't be any.)
local denied = string.sub(redis.sha1hex(sid .. ':' .. now_text()), 1, #sid - 1) .. 'A'
return refuse(lic, lim, count, user, seat, device, denied)
