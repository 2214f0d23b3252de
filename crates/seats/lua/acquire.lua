-- Takes a seat, or keeps the one that the device holds, under a new session.
-- ARGV: tenant, user, epoch, session, seat, hardware id, instance id, hostname, client version, any|id|key, licence or key
local user, sid, seat = ARGV[2], ARGV[4], ARGV[5]

local answer, member, order = admit(user, ARGV[3])
if answer then return answer end

local asked = {}
if ARGV[10] == 'any' then
  for lic in string.gmatch(order, '%S+') do asked[#asked + 1] = lic end
elseif ARGV[10] == 'id' then
  if string.find(order, ARGV[11], 1, true) then asked[1] = ARGV[11] end
else
  asked[1] = call('HGET', entitlement_key(), 'k:' .. ARGV[11]) or nil
end

-- A new device's fence starts at the time: above every fence that it may have had in a store that was lost.
local function who(last)
  return {user, ARGV[6], ARGV[7], ARGV[8], ARGV[9], last and last.fence + 1 or now}
end

-- The licence on which the device holds a seat comes first; on the way, note which others could be used and what bars the rest.
local usable, barred = {}, 'license_not_found'
for _, lic in ipairs(asked) do
  local lim = limits(lic)
  if not lim then return no_limits(lic) end
  local why = obstacle(lim.suspended, lim.status, lim.ends, false)
  if why then
    if barred ~= 'license_suspended' then barred = why end
  else
    local last = last_hold(lic, seat)
    if last and last.live then
      if last.sid == sid then return extend(lic, lim, sid, seat, last.fence) end
      supersede(lic, lim, last, user)
      return open(lic, lim, sid, seat, last, who(last), member, now, nil, active(lic) + 1)
    end
    usable[#usable + 1] = {lic = lic, lim = lim, last = last}
  end
end
local first = usable[1]
if not first then return {'refused', barred} end

-- After a loss of the store, those who held a seat come first.
local kept_until
for _, free in ipairs(usable) do
  local count = settled(free.lic)
  free.count = count
  if count < free.lim.seats then
    if count + tonumber(call('GET', expected_key(free.lic)) or 0) < free.lim.seats then
      return open(free.lic, free.lim, sid, seat, free.last, who(free.last), member, now, 'acquired', count + 1)
    end
    kept_until = kept_until or now + call('PTTL', expected_key(free.lic))
  end
end
if kept_until then return {'recovering', now, kept_until} end

local refused = who(nil)
refused[6] = 0
return exhausted(first.lic, first.lim, seat, refused, sid, first.count)
