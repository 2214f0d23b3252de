-- Those who have had a seat of the licence longest.
-- ARGV: tenant, licence, how many at most
local lic, most = ARGV[2], tonumber(ARGV[3])
local list = {}
-- Some more than are wanted, since one that is not true any more goes away when it is noticed.
for _, seat in ipairs(call('ZRANGE', held_key(lic), 0, 2 * most)) do
  local held = seat_holder(lic, seat)
  list[#list + 1] = held
  if not held then call('ZREM', held_key(lic), seat) end
  if #list == most then break end
end
return list
