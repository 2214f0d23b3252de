-- Seats in use.
-- ARGV: tenant, licence…
begin(KEYS, ARGV)
local list = {}
for i = 2, #ARGV do list[i - 1] = active(ARGV[i]) end
return list
