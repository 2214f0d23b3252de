-- Replaces the copy of a member, unless the stored one has a higher epoch.
-- ARGV: tenant, user, epoch, holds a seat, person, time to live in ms
begin(KEYS, ARGV)
local key = member_key(ARGV[2])
local stored = call('HGET', key, 'epoch')
if stored and tonumber(stored) > tonumber(ARGV[3]) then return 0 end
call('HSET', key, 'epoch', ARGV[3], 'holds', ARGV[4], 'person', ARGV[5])
call('PEXPIRE', key, ARGV[6])
return 1
