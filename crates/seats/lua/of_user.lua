-- The live holds of one person.
-- ARGV: tenant, user
local answer = {}
for _, lic in ipairs(call('SMEMBERS', prefix .. 'lics')) do
  for _, seat in ipairs(call('SMEMBERS', own_key(lic, ARGV[2]))) do answer[#answer + 1] = seat_holder(lic, seat) end
end
return answer
