-- Some of the seats that one person holds on the licence.
-- ARGV: tenant, licence, user, how many at most
local key = own_key(ARGV[2], ARGV[3])
local list = {}
for _, seat in ipairs(call('HRANDFIELD', key, ARGV[4])) do
  local held = seat_holder(ARGV[2], seat)
  list[#list + 1] = held
  if not held then call('HDEL', key, seat) end
end
return list
