-- Keeps a seat. The busiest function: it reads four things, two of them at once, and writes one.
-- ARGV: tenant, user, epoch, session
local user, sid = ARGV[2], ARGV[4]

local state, owner, lic = head_of_session(sid)
local mine = owner == user and not OVER_FOR_GOOD[state]
local its_epoch, holds, lim, score
if mine then
  local copies = call('MGET', member_key(user), limits_key(lic))
  its_epoch, holds = unpacked(copies[1])
  lim = as_limits(copies[2])
  score = tonumber(call('ZSCORE', leases_key(lic), sid) or 0)
  local may = its_epoch == ARGV[3] and holds == '1' and lim and not obstacle(lim, true)
  if may and score > now then
    local ends = end_of(lim[LEASE], lim)
    local ends_text = int(ends)
    call('ZADD', leases_key(lic), ends_text, sid)
    if ends < score then call('ZADD', shard .. 'due', 'LT', ends_text, tenant .. ':' .. lic) end
    return 'extended\n' .. now_text() .. '\n' .. ends_text .. '\n' .. lim[BEAT]
  end
end

-- Why the seat is not simply kept.
if not mine then
  local reason = lic
  -- The mark of a revocation may have no user. Another's session is like one that never was.
  if state == 'revoked' and (owner == '' or owner == user) then return answer('revoked', reason) end
  if state == 'superseded' and owner == user then return 'superseded' end
  return 'not_live'
end

if not its_epoch then return answer('missing', lim and '0' or '1', '1') end
local refused
if not lim then
  local why = no_limits(lic)
  if why ~= answer('refused', 'license_not_found') then return why end
  refused = 'license_not_found'
end
if its_epoch ~= ARGV[3] then return answer('refused', 'stale_epoch') end
if holds ~= '1' then
  refused = 'role_holds_no_seat'
else
  refused = refused or obstacle(lim, true)
end
if not refused then return 'not_live' end

if score > now then
  if refused == 'license_expired' then
    close(lic, sid, 'expired', now_text(), nil, nil, session(sid))
  else
    close(lic, sid, 'closed', now_text(), refused, nil, session(sid))
  end
end
return answer('refused', refused)
