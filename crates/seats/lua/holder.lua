-- Who holds a seat, as src/reply.rs reads it.

-- When a lease was last extended, as text. It follows from the lease's end, so that no heartbeat has to write it down; where that was moved
-- since, by an end of the licence or another length of leases, it is off until the next heartbeat.
local function last_beat(lic, start, ends)
  local lim = limits(licence(lic))
  return int(math.max(start, math.min(now, ends - (lim and lim[LEASE] or 0))))
end

-- A live hold and its start, or nil when it has ended. Names come from the member's copy, or from the time of the grant when that is gone.
local function holder(lic, sid, ends)
  local state, user, _, _, _, start, _, _, person, device = session(sid)
  if state ~= 'held' then return nil end
  local people = its.people
  if not people[user] then
    local _, _, current = member(user)
    people[user] = current or person
  end
  return answer(sid, lic, user, people[user], device, start, last_beat(lic, start, ends), ends), start
end

-- Who holds that seat now, or nil.
local function seat_holder(lic, seat)
  local its_licence = licence(lic)
  local sid = seat_facts(its_licence, seat)
  local ends = sid and score_of(its_licence.leases, sid)
  if ends and ends > now then return holder(lic, sid, int(ends)) end
end
