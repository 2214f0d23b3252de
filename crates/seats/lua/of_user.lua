-- The live holds of one person.
-- ARGV: tenant, user
local list = {}
for _, lic in ipairs(call('SMEMBERS', prefix .. 'lics')) do
  for _, seat in ipairs(call('HKEYS', own_key(lic, ARGV[2]))) do list[#list + 1] = seat_holder(lic, seat) end
end
return list
