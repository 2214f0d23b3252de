-- Who is live in the tenant, at one moment: licence, session and expiry of each.
-- ARGV: tenant
local list = {now_text}
for _, lic in ipairs(call('SMEMBERS', prefix .. 'lics')) do
  local live = live_leases(licence(lic))
  for i = 1, #live, 2 do
    list[#list + 1] = lic
    list[#list + 1] = live[i]
    list[#list + 1] = live[i + 1]
  end
end
return list
