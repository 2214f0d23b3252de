-- Those who have had a seat of the licence longest, out of the SEEN whose leases end first: of a licence with so many seats or fewer, of all.
-- ARGV: tenant, licence, how many at most
local SEEN = 64

local lic = ARGV[2]
local live = live_leases(licence(lic), 'LIMIT', '0', SEEN)
local found = {}
for i = 1, #live, 2 do
  local text, start = holder(lic, live[i], live[i + 1])
  if text then found[#found + 1] = {text = text, start = tonumber(start)} end
end
table.sort(found, function(a, b) return a.start < b.start end)
local list = {}
for i = 1, math.min(#found, tonumber(ARGV[3])) do list[i] = found[i].text end
return list
