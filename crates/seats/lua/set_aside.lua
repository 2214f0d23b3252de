-- Copies an entry of events to a stream of its own, and drops it unless it stays.
-- ARGV: (no tenant), id, whether it stays
local entry = call('XRANGE', events_key(), ARGV[2], ARGV[2])[1]
if not entry then return 0 end
call('XADD', events_key() .. ':unreadable', '*', unpack(entry[2]))
if ARGV[3] == '1' then return 0 end
return call('XDEL', events_key(), ARGV[2])
