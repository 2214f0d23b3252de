-- Brings a session back whose lease ran out or was lost, on the strength of its token.
-- Arguments: tenant, user, epoch, session, seat, device as far as the token knows it, licence, fence of the token,
-- whether the token's time is over
local function reads_copies(args)
  want(session_key(args[4]))
  want(member_key(args[2]))
  want(entitlement_key())
  want(limits_key(args[7]))
  want(seat_key(licence(args[7]), args[5]))
  want(expected_key(args[7]))
end

local function reads_hold(args) want_hold(licence(args[7]), args[5]) end

local function run(args)
  local user, sid, seat, device, lic, token_fence = args[2], args[4], args[5], args[6], licence(args[7]), tonumber(args[8])

  local state, owner, its_licence, _, _, start, _, _, _, known_device = session(sid)
  if state == 'revoked' and (owner == '' or owner == user) then return answer('revoked', its_licence) end
  if OVER_FOR_GOOD[state] or (state and (owner ~= user or its_licence ~= lic.id)) then return 'superseded' end

  local not_admitted, person = admit(user, args[3])
  if not_admitted then return not_admitted end
  local lim = limits(lic)
  if not lim then return no_limits(lic) end
  local key = expected_key(lic.id)
  local expected = tonumber(get(key) or 0)
  if args[9] == '1' and expected == 0 then return 'not_live' end

  local last = last_hold(lic, seat)
  local same_seat = last and last.ends and last.sid == sid
  local why
  if same_seat then why = lim.bars_running else why = lim.bars_new end
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
    if expected > 0 then
      texts[key] = int(call('DECR', key))
    end
  end
  if free or (last and last.ends) then
    -- Above both the token's fence and whatever the store remembers, or the time when it remembers nothing: no two events alike.
    local fence = math.max(last and last.fence or now - 1, token_fence) + 1
    return open(lic, lim, sid, seat, last, user, person, device, fence, start or now, 'reacquired', count)
  end

  -- The refusal gets an id of its own, since the session has one already. (The last character stands for two bits, so it can't be any.)
  local denied = string.sub(redis.sha1hex(sid .. ':' .. now_text), 1, #sid - 1) .. 'A'
  return refuse(lic, lim, count, user, seat, device, denied)
end

return {arguments = 9, reads = {reads_copies, reads_hold}, run = run}
