-- Creates the readers' group, unless another reader was quicker. It begins at the stream's beginning: what happened before there
-- was a reader counts too.
-- ARGV: (no tenant), group
local made = redis.pcall('XGROUP', 'CREATE', events_key(), ARGV[2], '0', 'MKSTREAM')
if made.err and not string.find(made.err, 'BUSYGROUP', 1, true) then return made end
return 1
