-- Moves an event that cannot be read into a stream of its own.
-- ARGV: (no tenant), id
local entry = call('XRANGE', events_key(), ARGV[2], ARGV[2])[1]
if not entry then return 0 end
call('XADD', events_key() .. ':unreadable', '*', unpack(entry[2]))
return call('XDEL', events_key(), ARGV[2])
