-- Replaces the copy of what the tenant owns, if the version is higher.
-- ARGV: tenant, version, suspended, time to live in ms, then for each licence: id and the values of the fields below
local FIELDS = {'key', 'tier', 'features', 'status', 'max', 'overage', 'ends', 'lease', 'beat', 'offline', 'cap', 'holders',
  'tolerance'}

local key = entitlement_key()
local stored = call('HMGET', key, 'version', 'order')
if stored[1] and tonumber(stored[1]) >= tonumber(ARGV[2]) then return 0 end

for lic in string.gmatch(stored[2] or '', '%S+') do call('DEL', limits_key(lic)) end
call('DEL', key)

-- One moment for all parts of the copy, so that none is there without the others.
local gone = now + ARGV[4]
local order = {}
for i = 5, #ARGV, #FIELDS + 1 do
  local lic = ARGV[i]
  order[#order + 1] = lic
  call('DEL', limits_key(lic))
  for j, field in ipairs(FIELDS) do call('HSET', limits_key(lic), field, ARGV[i + j]) end
  call('HSET', limits_key(lic), 'suspended', ARGV[3])
  call('PEXPIREAT', limits_key(lic), gone)
  call('HSET', key, 'k:' .. ARGV[i + 1], lic)
  -- No lease outlives its licence, also when the licence's end moves to before the lease's.
  local ends = tonumber(ARGV[i + 7])
  if ends then
    ends = math.max(ends, now)
    local late = call('ZRANGEBYSCORE', leases_key(lic), '(' .. string.format('%.0f', ends), '+inf')
    for _, sid in ipairs(late) do call('ZADD', leases_key(lic), ends, sid) end
    if #late > 0 then call('ZADD', shard .. 'due', 'LT', ends, tenant .. ':' .. lic) end
  end
end
call('HSET', key, 'version', ARGV[2], 'suspended', ARGV[3], 'order', table.concat(order, ' '))
call('PEXPIREAT', key, gone)
return 1
