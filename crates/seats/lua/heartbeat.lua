-- Keeps a seat. The busiest script: it reads four things and writes two.
-- ARGV: tenant, user, epoch, session
local user, sid = ARGV[2], ARGV[4]

local s = call('HMGET', session_key(sid), 'user', 'lic', 'end', 'why')
local ended = s[3]
if s[1] ~= user then
  -- Another's session is like one that never was. The mark of a revocation may have no user.
  if ended == 'revoked' and not s[1] then return {'revoked', s[4]} end
  return {'not_live'}
end
if ended == 'revoked' then return {'revoked', s[4]} end
if ended == 'superseded' then return {'superseded'} end
if ended == 'released' then return {'not_live'} end

local lic = s[2]
local member = call('HMGET', member_key(user), 'epoch', 'holds')
local lim = call('HMGET', limits_key(lic), 'status', 'ends', 'lease', 'beat', 'suspended')
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

local score = tonumber(call('ZSCORE', leases_key(lic), sid) or 0)
local live = score > now
if refused then
  if live then
    if refused == 'license_expired' then
      close(lic, sid, 'expired', now)
    else
      close(lic, sid, 'closed', now, refused)
    end
  end
  return {'refused', refused}
end
if not live then return {'not_live'} end

local ends = lease_end(lim[3], lim[2])
call('ZADD', leases_key(lic), ends, sid)
call('HSET', session_key(sid), 'beat', now)
if ends < score then call('ZADD', shard .. 'due', 'LT', ends, tenant .. ':' .. lic) end
return {'extended', now, ends, tonumber(lim[4])}
