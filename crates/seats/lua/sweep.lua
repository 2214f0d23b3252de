-- Closes leases of the shard that ran out. Answers how many, and whether there may be more.
-- ARGV: (no tenant), most leases to close
local left, closed = tonumber(ARGV[2]), 0
while left > 0 do
  local due = call('ZRANGEBYSCORE', shard .. 'due', '-inf', now_text, 'LIMIT', '0', '1')[1]
  if not due then return {closed, 0} end
  local whose, id = string.match(due, '^(.*):(.*)$')
  of_tenant(whose)
  local lic = licence(id)
  local dropped = drop_expired(lic, left)
  closed = closed + dropped
  left = left - math.max(dropped, 1)
  write_set(lic.leases)
  local first = call('ZRANGE', lic.leases.key, 0, 0, 'WITHSCORES')
  if first[1] then
    call('ZADD', shard .. 'due', first[2], due)
  else
    call('ZREM', shard .. 'due', due)
    call('SREM', prefix .. 'lics', id)
  end
end
return {closed, 1}
