-- Seats in use.
-- ARGV: tenant, licence…
local list = {}
for i = 2, #ARGV do list[i - 1] = active(licence(ARGV[i])) end
return list
