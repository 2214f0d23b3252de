-- The facts of some holds out of a snapshot; who has left since is left out.
-- ARGV: tenant, then licence, session and expiry of each
local list = {}
for i = 2, #ARGV, 3 do list[#list + 1] = holder(ARGV[i], ARGV[i + 1], ARGV[i + 2]) end
return list
