-- Takes a seat, or keeps the one that the device holds, under a new session.
-- Arguments: tenant, user, epoch, session, seat, device, any|id|key, licence or key

-- The ids of the licences that are asked for, in their order.
local function asked(args)
  local its_licences = owned()
  if not its_licences then return {} end
  if args[7] == 'any' then return its_licences.list end
  if args[7] == 'id' then return {string.find(its_licences.order, args[8], 1, true) and args[8]} end
  if not its_licences.by_key then its_licences.by_key = select(4, unpacked(get(entitlement_key()))) end
  return {its_licences.by_key[args[8]]}
end

local function reads_copies(args)
  want(member_key(args[2]))
  want(entitlement_key())
end

local function reads_licences(args)
  for _, id in ipairs(asked(args)) do
    want(limits_key(id))
    want(seat_key(licence(id), args[5]))
  end
end

local function reads_holds(args)
  for _, id in ipairs(asked(args)) do want_hold(licence(id), args[5]) end
end

local function run(args)
  local user, sid, seat, device = args[2], args[4], args[5], args[6]

  local not_admitted, person = admit(user, args[3])
  if not_admitted then return not_admitted end

  -- The licence on which the device holds a seat comes first; on the way, note which others could be used and what bars the rest.
  local usable, barred = {}, 'license_not_found'
  for _, id in ipairs(asked(args)) do
    local lic = licence(id)
    local lim = limits(lic)
    if not lim then return no_limits(lic) end
    local why = lim.bars_new
    if why then
      if barred ~= 'license_suspended' then barred = why end
    else
      local last = last_hold(lic, seat)
      if last and last.ends then
        if last.sid == sid then return extend(lic, lim, seat, last) end
        local count = active(lic)
        supersede(lic, last, user)
        return open(lic, lim, sid, seat, last, user, person, device, last.fence + 1, now, nil, count)
      end
      usable[#usable + 1] = {lic = lic, lim = lim, last = last}
    end
  end
  local first = usable[1]
  if not first then return answer('refused', barred) end

  -- After a loss of the store, those who held a seat come first.
  local kept_until
  for _, free in ipairs(usable) do
    local count = settled(free.lic)
    free.count = count
    if count < free.lim[SEATS] then
      local key = expected_key(free.lic.id)
      if count + tonumber(get(key) or 0) < free.lim[SEATS] then
        -- A new device's fence starts at the time: above every fence that it may have had in a store that was lost.
        local fence = free.last and free.last.fence + 1 or now
        return open(free.lic, free.lim, sid, seat, free.last, user, person, device, fence, now, 'acquired', count + 1)
      end
      kept_until = kept_until or now + call('PTTL', key)
    end
  end
  if kept_until then return answer('recovering', now_text, int(kept_until)) end

  return refuse(first.lic, first.lim, first.count, user, seat, device, sid)
end

return {arguments = 8, reads = {reads_copies, reads_licences, reads_holds}, run = run}
