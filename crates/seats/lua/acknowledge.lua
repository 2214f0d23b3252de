-- Drops events that are safe elsewhere: from the reader's list and from the stream, in one step.
-- ARGV: (no tenant), group, id…
local ids = {unpack(ARGV, 3)}
call('XACK', events_key(), ARGV[2], unpack(ids))
return call('XDEL', events_key(), unpack(ids))
