-- Gives a seat back, and the device's offline right with it.
-- Arguments: tenant, user, session
local function reads_session(args) want(session_key(args[3])) end

local function reads_licence(args)
  local state, _, its_licence = head_of_session(args[3])
  if state ~= 'held' then return end
  want(limits_key(its_licence))
  want_score(licence(its_licence).leases, args[3])
end

local function run(args)
  local user, sid = args[2], args[3]

  local state, owner, its_licence, seat, fence, start, max, valid, person, device = session(sid)
  if OVER_FOR_GOOD[state] and (owner == '' or owner == user) then return 'already_ended' end
  if OVER_FOR_GOOD[state] or owner ~= user then return 'unknown' end

  local lic = licence(its_licence)
  local ends = state == 'held' and score_of(lic.leases, sid)
  if ends and ends > now then
    -- What is live is its seat's last session.
    take_out(lic.rights, seat)
    close(lic, sid, 'released', now_text, nil, nil, state, owner, its_licence, seat, fence, start, max, valid, person, device)
    return 'released'
  end

  -- Only the seat's last session has a say over its offline right.
  if seat_facts(lic, seat) == sid then take_out(lic.rights, seat) end
  if ends then close(lic, sid, 'expired', int(ends), nil, nil, state, owner, its_licence, seat, fence, start, max, valid, person, device) end
  -- Given back after it ran out: its token must not bring it back.
  bury(sid, user, 'released', remembered_until(valid))
  return 'already_ended'
end

return {arguments = 3, reads = {reads_session, reads_licence}, run = run}
