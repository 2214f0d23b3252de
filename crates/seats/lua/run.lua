-- How functions run: alone, or a batch of calls at once.

local function begin(KEYS, its_tenant)
  call = redis.call
  shard = KEYS[1]
  -- Whatever the call before has left is gone, also where that failed.
  tenant, tenants = nil, {}
  texts, unwritten, sets, wanted, wanted_sets, events = {}, {}, {}, {}, {}, {}
  may_drop = DROP
  of_tenant(its_tenant)
  local clock = call('TIME')
  now = clock[1] * 1000 + math.floor(clock[2] / 1000)
  now_text = int(now)
  -- Heads of ids, numbers and states, which are short. (While Redis loads the library, there is no cmsgpack.)
  if not str[0] then
    for length = 0, 31 do head(string.rep(' ', length)) end
  end
end

-- Writes what the calls have left to be written.
local function flush()
  write_texts()
  for _, set in pairs(sets) do write_set(set) end
  write_events()
end

-- A function of one call.
local function alone(run)
  return function(KEYS, ARGV)
    begin(KEYS, ARGV[1])
    local done, reply = pcall(run, ARGV)
    -- Also where it failed: what it has written at once is there.
    flush()
    if not done then error(reply, 0) end
    return reply
  end
end

-- A function of any number of calls on the shard, each with so many arguments, of which the first is its tenant. They run one after the
-- other, and the answers are a list; one that fails keeps no other from its answer. `reads` says what they will read, in steps, each of
-- which may look at what was read by the ones before, and is made for all calls at once.
local function batch(of)
  local run, reads, size = of.run, of.reads, of.arguments
  return function(KEYS, ARGV)
    begin(KEYS, ARGV[1])
    local calls, answers = {}, {}
    for i = 1, #ARGV, size do calls[#calls + 1] = {unpack(ARGV, i, i + size - 1)} end
    for _, step in ipairs(reads) do
      for i = 1, #calls do
        of_tenant(calls[i][1])
        pcall(step, calls[i])
      end
      fetch()
    end
    for i = 1, #calls do
      of_tenant(calls[i][1])
      local done, reply = pcall(run, calls[i])
      -- A list, since clients take an error in a list for that of the whole call.
      answers[i] = done and reply or {type(reply) == 'table' and reply.err or tostring(reply)}
    end
    flush()
    return answers
  end
end
