-- Takes a seat, or keeps the one that the device holds, under a new session.
-- ARGV: tenant, user, epoch, session, seat, device, any|id|key, licence or key
local user, sid, seat, device = ARGV[2], ARGV[4], ARGV[5], ARGV[6]

local not_admitted, person, order, owned = admit(user, ARGV[3])
if not_admitted then return not_admitted end

local asked = {}
if ARGV[7] == 'any' then
  for id in string.gmatch(order, '%S+') do asked[#asked + 1] = id end
elseif ARGV[7] == 'id' then
  if string.find(order, ARGV[8], 1, true) then asked[1] = ARGV[8] end
else
  local _, _, _, by_key = cmsgpack.unpack(owned)
  asked[1] = by_key[ARGV[8]]
end

-- The licence on which the device holds a seat comes first; on the way, note which others could be used and what bars the rest.
local usable, barred = {}, 'license_not_found'
for _, id in ipairs(asked) do
  local found = call('MGET', limits_key(id), seat_key(id, seat))
  local its = as_limits(found[1])
  if not its then return no_limits(id) end
  local why = obstacle(its, false)
  if why then
    if barred ~= 'license_suspended' then barred = why end
  else
    local last = last_hold(id, found[2])
    if last and last.ends then
      if last.sid == sid then return extend(id, its, seat, last) end
      supersede(id, last, user)
      return open(id, its, sid, seat, last, user, person, device, last.fence + 1, now, nil, active(id) + 1)
    end
    usable[#usable + 1] = {id = id, lim = its, last = last}
  end
end
local first = usable[1]
if not first then return answer('refused', barred) end

-- After a loss of the store, those who held a seat come first.
local kept_until
for _, free in ipairs(usable) do
  local count = settled(free.id)
  free.count = count
  if count < free.lim[SEATS] then
    if count + tonumber(call('GET', expected_key(free.id)) or 0) < free.lim[SEATS] then
      -- A new device's fence starts at the time: above every fence that it may have had in a store that was lost.
      local fence = free.last and free.last.fence + 1 or now
      return open(free.id, free.lim, sid, seat, free.last, user, person, device, fence, now, 'acquired', count + 1)
    end
    kept_until = kept_until or now + call('PTTL', expected_key(free.id))
  end
end
if kept_until then return answer('recovering', now_text(), int(kept_until)) end

return refuse(first.id, first.lim, first.count, user, seat, device, sid)
