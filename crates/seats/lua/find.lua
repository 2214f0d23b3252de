-- One live session.
-- ARGV: tenant, session
local state, _, lic = head_of_session(ARGV[2])
local score = state == 'held' and call('ZSCORE', leases_key(lic), ARGV[2])
if score and tonumber(score) > now then return holder(lic, ARGV[2], score) end
return ''
