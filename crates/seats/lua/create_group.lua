-- Creates the readers' group, unless another reader was quicker. It begins at the stream's beginning: what happened before there
-- was a reader counts too.
-- KEYS[1]: the shard's stream. ARGV: group
local made = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM')
if made.err and not string.find(made.err, 'BUSYGROUP', 1, true) then return made end
return 1
