-- A device that is refused counts once in this time, in ms.
local DENIED_ONCE_IN = '60000'

-- Every seat is taken: the end of acquire.lua and reacquire.lua. `denied`: the id of the refusal. Who holds the seats is asked for apart
-- (longest.lua, own.lua), so that a crowd that is refused at once costs Redis little.
local function refuse(lic, lim, count, user, seat, device, denied)
  if call('SET', prefix .. 'denied:' .. seat, '1', 'NX', 'PX', DENIED_ONCE_IN) then
    event('denied', now_text, lic, denied, user, device, '0', now_text, count, lim[MAX])
  end
  -- The next sure free time is when enough leases have ended to be below the limit.
  local skip = int(math.max(count - lim[SEATS], 0))
  local next_free = live_leases(lic, 'LIMIT', skip, '1')[2]
  return answer('exhausted', lic.id, int(count), lim[MAX], now_text, next_free or lim.ends_text,
    lim[HOLDERS], int(call('EXISTS', own_key(lic.id, user))))
end
