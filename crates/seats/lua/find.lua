-- One live session.
-- ARGV: tenant, session
local state, _, lic = head_of_session(ARGV[2])
local ends = state == 'held' and score_of(licence(lic).leases, ARGV[2])
if ends and ends > now then return holder(lic, ARGV[2], int(ends)) end
return ''
