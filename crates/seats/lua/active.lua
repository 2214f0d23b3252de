-- Seats in use.
-- ARGV: tenant, licence…
local answer = {}
for i = 2, #ARGV do answer[i - 1] = active(ARGV[i]) end
return answer
