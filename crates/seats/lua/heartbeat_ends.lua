-- The rest of heartbeat.lua: why the seat was not simply kept.
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
