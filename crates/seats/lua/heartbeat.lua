-- Keeps a seat. The busiest function.
-- Arguments: tenant, user, epoch, session
local function reads_session(args)
  want(session_key(args[4]))
  want(member_key(args[2]))
end

local function reads_licence(args)
  local state, _, its_licence = head_of_session(args[4])
  if OVER_FOR_GOOD[state] or not state then return end
  want(limits_key(its_licence))
  want_score(licence(its_licence).leases, args[4])
end

local function run(args)
  local user, epoch, sid = args[2], args[3], args[4]

  local state, owner, its_licence = head_of_session(sid)
  if owner ~= user or OVER_FOR_GOOD[state] then
    local reason = its_licence
    -- The mark of a revocation may have no user. Another's session is like one that never was.
    if state == 'revoked' and (owner == '' or owner == user) then return answer('revoked', reason) end
    if state == 'superseded' and owner == user then return 'superseded' end
    return 'not_live'
  end

  local its_epoch, holds = member(user)
  local lic = licence(its_licence)
  local lim = limits(lic)
  local ends = score_of(lic.leases, sid)
  if ends and ends > now and its_epoch == epoch and holds == '1' and lim and not lim.bars_running then
    put(lic.leases, sid, lim.ends, lim.ends_text)
    if lim.ends < ends then note_due(lic, lim) end
    return 'extended\n' .. now_text .. '\n' .. lim.ends_text .. '\n' .. lim[BEAT]
  end

  -- Why the seat is not simply kept.
  if not its_epoch then return answer('missing', lim and '0' or '1', '1') end
  local refused
  if not lim then
    local why = no_limits(lic)
    if why ~= answer('refused', 'license_not_found') then return why end
    refused = 'license_not_found'
  end
  if its_epoch ~= epoch then return answer('refused', 'stale_epoch') end
  if holds ~= '1' then
    refused = 'role_holds_no_seat'
  else
    refused = refused or lim.bars_running
  end
  if not refused then return 'not_live' end

  if ends and ends > now then
    if refused == 'license_expired' then
      close(lic, sid, 'expired', now_text, nil, nil, session(sid))
    else
      close(lic, sid, 'closed', now_text, refused, nil, session(sid))
    end
  end
  return answer('refused', refused)
end

return {arguments = 4, reads = {reads_session, reads_licence}, run = run}
