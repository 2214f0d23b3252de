-- The rest of heartbeat.lua: why the seat was not simply kept.
if s[1] ~= user then
  -- Another's session is like one that never was. The mark of a revocation may have no user.
  if ended == 'revoked' and not s[1] then return {'revoked', s[4]} end
  return {'not_live'}
end
if ended == 'revoked' then return {'revoked', s[4]} end
if ended == 'superseded' then return {'superseded'} end
if ended == 'released' then return {'not_live'} end

if not member[1] then return {'missing', lim[1] and 0 or 1, 1} end
local refused
if not lim[1] then
  local answer = no_limits(lic)
  if answer[1] == 'missing' then return answer end
  refused = answer[2]
end
if member[1] ~= ARGV[3] then return {'refused', 'stale_epoch'} end
if member[2] ~= '1' then
  refused = 'role_holds_no_seat'
else
  refused = refused or obstacle(lim[5], lim[1], lim[2], true)
end
if not refused then return {'not_live'} end

if score > now then
  if refused == 'license_expired' then
    close(lic, sid, 'expired', now)
  else
    close(lic, sid, 'closed', now, refused)
  end
end
return {'refused', refused}
