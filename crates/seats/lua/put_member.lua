-- Replaces the copy of a member, unless the stored one has a higher epoch.
-- ARGV: tenant, user, epoch, holds a seat, person, time to live in ms
local stored = member(ARGV[2])
if stored and tonumber(stored) > tonumber(ARGV[3]) then return 0 end
call('SET', member_key(ARGV[2]), cmsgpack.pack(ARGV[3], ARGV[4], ARGV[5]), 'PX', ARGV[6])
return 1
