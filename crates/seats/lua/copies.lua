-- What the copies and the sessions say.

local HOUR = 3600000

local function values(done, ...)
  if done then return ... end
end

-- What comes packed from Redis: all of it, or the first three values, which is quicker. Nothing where nothing is, or what nobody can unpack:
-- only a mistake can have put that there, and it is as good as lost, so that it holds up nobody else.
local function unpacked(packed)
  if packed then return values(pcall(cmsgpack.unpack, packed)) end
end

local function first_three(packed)
  if packed then return select(2, values(pcall(cmsgpack.unpack_limit, packed, 3))) end
end

-- What is known of a session, or nothing: its state and its user, and then
--   held, or expired or closed, of a lease that ended and may come back: licence, seat, fence, start, limit, until when its token is
--     valid, person, device. They are packed, since as fields of a hash they would cost far more to write and to read.
--   released, revoked or superseded, so over for good: the reason. The user is empty where he is not known.
-- All of them are texts.
local function session(sid) return unpacked(get(session_key(sid))) end

-- The first three of the same, which is what a heartbeat has to know.
local function head_of_session(sid) return first_three(get(session_key(sid))) end

local function packed_session(state, user, lic, seat, fence, start, max, valid, person, device)
  return str[#state] .. state .. str[#user] .. user .. str[#lic] .. lic .. str[#seat] .. seat .. str[#fence] .. fence
    .. str[#start] .. start .. str[#max] .. max .. str[#valid] .. valid .. head(person) .. person .. head(device) .. device
end

local OVER_FOR_GOOD = {released = true, revoked = true, superseded = true}

-- The copy of a member: epoch, whether he may hold a seat, person; nothing if it is not there. put_member.lua writes it.
local function member(user) return unpacked(get(member_key(user))) end

-- Of the copy of what the tenant owns: its licences in their order, as one text and as a list, and whether the tenant is suspended; or nil.
-- put_entitlement.lua writes it.
local function entitlement_key() return prefix .. 'ent' end

local function owned()
  if not its.owned then
    local _, suspended, order = first_three(get(entitlement_key()))
    if not order then return nil end
    local list = {}
    for id in string.gmatch(order, '%S+') do list[#list + 1] = id end
    its.owned = {order = order, list = list, suspended = suspended == '1'}
  end
  return its.owned
end

-- The values of the copy of a licence's limits; times are in ms. put_entitlement.lua writes it. Whoever changes the values or their order,
-- here or above, raises FORMAT in src/keys.rs.
local MAX, SUSPENDED, STATUS, ENDS, SEATS, LEASE, BEAT, OFFLINE, CAP, HOLDERS, SHOWN = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11

-- What is known of a licence of the tenant, who may not have it: where things lie, and, when `limits` was asked, these.
local function licence(id)
  local known = its.licences[id]
  if not known then
    known = {id = id, seat_prefix = prefix .. 'seat:' .. id .. ':', leases = sorted(prefix .. 'leases:' .. id), rights = sorted(prefix .. 'rights:' .. id)}
    its.licences[id] = known
  end
  return known
end

-- What stands in the way on a licence, or nil. `running`: somebody who holds a seat and wants to go on.
local function obstacle(lim, running)
  if lim[SUSPENDED] == '1' then return 'tenant_suspended' end
  if lim[STATUS] == 'SUSPENDED' or (lim[STATUS] == 'RESTRICTED' and not running) then return 'license_suspended' end
  if lim[STATUS] == 'EXPIRED' or lim[ENDS] <= now then return 'license_expired' end
  return nil
end

-- The values above, or nil when they are not there, and what follows from them at this moment: the end of a lease that begins or is extended
-- now, and until when a token of now may be valid offline, neither after the licence's own end, as numbers and as texts; until when the right
-- to that is counted, which is to the end of the hour, so that a restart within the hour changes nothing; and what stands in the way of a
-- newcomer, and of somebody who goes on.
local function limits(lic)
  if not lic.limits then
    local lim = {unpacked(get(limits_key(lic.id)))}
    if not lim[SHOWN] then return nil end
    lim.ends, lim.valid = math.min(now + lim[LEASE], lim[ENDS]), math.min(now + lim[OFFLINE], lim[ENDS])
    lim.ends_text, lim.valid_text = int(lim.ends), int(lim.valid)
    lim.counted = math.ceil(lim.valid / HOUR) * HOUR
    lim.counted_text = int(lim.counted)
    lim.bars_new, lim.bars_running = obstacle(lim, false), obstacle(lim, true)
    lic.limits = lim
  end
  return lic.limits
end
