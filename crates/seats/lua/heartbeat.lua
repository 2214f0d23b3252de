-- Keeps a seat. The busiest function: it reads four things and writes two.
-- ARGV: tenant, user, epoch, session
begin(KEYS, ARGV)
local user, sid = ARGV[2], ARGV[4]

local owner, lic = facts_of(call('HGET', session_key(sid), 'facts'))
local member, lim, score
if owner == user then
  member = call('HMGET', member_key(user), 'epoch', 'holds')
  lim = call('HMGET', limits_key(lic), 'status', 'ends', 'lease', 'beat', 'suspended')
  score = tonumber(call('ZSCORE', leases_key(lic), sid) or 0)
  local may = member[1] == ARGV[3] and member[2] == '1' and lim[1] and not obstacle(lim[5], lim[1], lim[2], true)
  if may and score > now then
    local ends = lease_end(lim[3], lim[2])
    call('ZADD', leases_key(lic), int(ends), sid)
    call('HSET', session_key(sid), 'beat', int(now))
    if ends < score then call('ZADD', shard .. 'due', 'LT', int(ends), tenant .. ':' .. lic) end
    return answer('extended', int(now), int(ends), lim[4])
  end
end

-- Why the seat is not simply kept.
if owner ~= user then
  local ended, of, reason = buried(sid)
  -- The mark of a revocation may have no user. Another's session is like one that never was.
  if ended == 'revoked' and (of == '' or of == user) then return answer('revoked', reason) end
  if ended == 'superseded' and of == user then return 'superseded' end
  return 'not_live'
end

if not member[1] then return answer('missing', lim[1] and '0' or '1', '1') end
local refused
if not lim[1] then
  local why = no_limits(lic)
  if why ~= answer('refused', 'license_not_found') then return why end
  refused = 'license_not_found'
end
if member[1] ~= ARGV[3] then return answer('refused', 'stale_epoch') end
if member[2] ~= '1' then
  refused = 'role_holds_no_seat'
else
  refused = refused or obstacle(lim[5], lim[1], lim[2], true)
end
if not refused then return 'not_live' end

if score > now then
  if refused == 'license_expired' then
    close(lic, sid, 'expired', int(now))
  else
    close(lic, sid, 'closed', int(now), refused)
  end
end
return answer('refused', refused)
