-- One live session.
-- ARGV: tenant, session
local _, lic = facts_of(call('HGET', session_key(ARGV[2]), 'facts'))
local score = lic and call('ZSCORE', leases_key(lic), ARGV[2])
if score and tonumber(score) > now then return holder(lic, ARGV[2], score) end
return ''
