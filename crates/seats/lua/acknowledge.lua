-- Drops events that are safe elsewhere: from the reader's list and from the stream, in one step.
-- KEYS[1]: the shard's stream. ARGV: group, id…
local ids = {unpack(ARGV, 2)}
redis.call('XACK', KEYS[1], ARGV[1], unpack(ids))
return redis.call('XDEL', KEYS[1], unpack(ids))
