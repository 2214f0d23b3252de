-- Keeps a seat. The busiest script: it reads four things and writes two. What is left when the seat is not simply kept is in
-- heartbeat_ends.lua.
-- ARGV: tenant, user, epoch, session
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
