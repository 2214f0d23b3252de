-- Who holds a seat, as src/reply.rs reads it.

-- A live hold, or nil when it has ended. Names come from the member's copy, or from the time of the grant when that is gone.
local function holder(lic, sid, ends)
  local s = call('HMGET', session_key(sid), 'facts', 'beat', 'end')
  if not s[1] or s[3] then return nil end
  local user, _, _, _, start, _, person, device = facts_of(s[1])
  people = people or {}
  if not people[user] then
    local _, _, current = member(user)
    people[user] = current or person
  end
  return answer(sid, lic, user, people[user], device, start, s[2], ends)
end

-- Who holds that seat now, or nil.
local function seat_holder(lic, seat)
  local sid = seat_facts(lic, seat)
  local ends = sid and call('ZSCORE', leases_key(lic), sid)
  if ends and tonumber(ends) > now then return holder(lic, sid, ends) end
end
