-- Takes a seat, or keeps the one that the device holds, under a new session.
-- ARGV: tenant, user, epoch, session, seat, hardware id, instance id, hostname, client version, any|id|key, licence or key
local user, sid, seat = ARGV[2], ARGV[4], ARGV[5]

local answer, member = admit(user, ARGV[3])
if answer then return answer end

local order = call('HGET', entitlement_key(), 'order')
local asked = {}
if ARGV[10] == 'any' then
  for lic in string.gmatch(order, '%S+') do asked[#asked + 1] = lic end
elseif ARGV[10] == 'id' then
  if string.find(order, ARGV[11], 1, true) then asked[1] = ARGV[11] end
else
  asked[1] = call('HGET', entitlement_key(), 'k:' .. ARGV[11]) or nil
end

-- A new device's fence starts at the time: above every fence that it may have had in a store that was lost.
local function who(fence)
  return {user, ARGV[6], ARGV[7], ARGV[8], ARGV[9], fence and fence + 1 or now}
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
    drop_expired(lic, DROP)
    local last, fence, live = last_hold(lic, seat)
    if live and last == sid then return extend(lic, lim, sid, seat, fence) end
    if call('EXISTS', session_key(sid)) == 1 then return redis.error_reply('SESSIONTAKEN the session id is in use') end
    if live then
      close(lic, last, 'superseded', now)
      return open(lic, lim, sid, seat, who(fence), member, now, 'renewed', false)
    end
    usable[#usable + 1] = {lic = lic, lim = lim, fence = fence}
  end
end

for _, free in ipairs(usable) do
  if active(free.lic) < free.lim.seats then
    return open(free.lic, free.lim, sid, seat, who(free.fence), member, now, 'acquired', true)
  end
end

local first = usable[1]
if not first then return {'refused', barred} end
local refused = who(nil)
refused[6] = 0
return exhausted(first.lic, first.lim, seat, refused, sid)
