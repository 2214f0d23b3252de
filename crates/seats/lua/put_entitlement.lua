-- Replaces the copy of what the tenant owns, if the version is higher.
-- ARGV: tenant, version, suspended, time to live in ms, then for each licence: id, seats that were in use as PostgreSQL last heard, and
-- key, tier, features, status, seats, overage, end, lease, heartbeat, offline, cap, show holders, tolerance
local VALUES = 15

-- Longest that a tenant stays known without being heard of.
local KNOWN_FOR = 30 * 24 * HOUR

-- The end of what has none.
local NEVER = 2 ^ 53

local key = entitlement_key()
local known_key = prefix .. 'known'
local version, _, before = unpacked(call('GET', key))
if version and tonumber(version) >= tonumber(ARGV[2]) then return 0 end

for lic in string.gmatch(before or '', '%S+') do call('DEL', limits_key(lic)) end
call('DEL', key)

-- A tenant that this store has never heard of is new, or the store has lost everything. Its seats are then kept for one lease time for
-- those who held them and come back on the strength of their tokens.
local unknown = call('SET', known_key, 1, 'NX') and true
call('PEXPIRE', known_key, KNOWN_FOR)

-- One moment for all parts of the copy, so that none is there without the others.
local gone = now + ARGV[4]
local order, keys = {}, {}
for i = 5, #ARGV, VALUES do
  local lic, in_use, license_key, tier, features, status, max, overage, its_end, lease, beat, offline, cap, holders, tolerance =
    unpack(ARGV, i, i + VALUES - 1)
  order[#order + 1] = lic
  -- As `limits` in copies.lua reads them. The last is how a grant shows them (`granted` in grant.lua).
  local shown = answer(tier, features, max, beat, tolerance)
  local limits = cmsgpack.pack(max, ARGV[3], status, tonumber(its_end) or NEVER, max + math.floor(max * overage / 100), lease * 1000, beat,
    offline * 1000, tonumber(cap), holders, shown)
  call('SET', limits_key(lic), limits, 'PXAT', int(gone))
  keys[license_key] = lic
  local expected = in_use - active(licence(lic))
  if unknown and expected > 0 then call('SET', expected_key(lic), expected, 'PX', int(lease * 1000)) end
  -- No lease outlives its licence, also when the licence's end moves to before the lease's.
  local ends = tonumber(its_end)
  if ends then
    ends = math.max(ends, now)
    local leases = licence(lic).leases.key
    local late = call('ZRANGEBYSCORE', leases, '(' .. string.format('%.0f', ends), '+inf')
    for _, sid in ipairs(late) do call('ZADD', leases, ends, sid) end
    if #late > 0 then call('ZADD', shard .. 'due', 'LT', ends, tenant .. ':' .. lic) end
  end
end
-- As `admit` in grant.lua reads it.
call('SET', key, cmsgpack.pack(ARGV[2], ARGV[3], table.concat(order, ' '), keys), 'PXAT', int(gone))
return 1
