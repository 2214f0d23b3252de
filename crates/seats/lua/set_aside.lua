-- Moves events of an entry that cannot be read to a stream of their own, and the others of the entry to a new one.
-- ARGV: (no tenant), id, which of its events, counted from 0
local entry = call('XRANGE', events_key(), ARGV[2], ARGV[2])[1]
if not entry then return 0 end
local unreadable = {}
for i = 3, #ARGV do unreadable[tonumber(ARGV[i])] = true end
local aside, others = {}, {}
for i = 1, #entry[2], 2 do
  local list = unreadable[(i - 1) / 2] and aside or others
  list[#list + 1] = entry[2][i]
  list[#list + 1] = entry[2][i + 1]
end
if aside[1] then call('XADD', events_key() .. ':unreadable', '*', unpack(aside)) end
if others[1] then call('XADD', events_key(), '*', unpack(others)) end
return call('XDEL', events_key(), ARGV[2])
