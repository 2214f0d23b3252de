-- Stands in front of all functions of the library (src/library.rs puts it together). Redis makes its functions once, when it loads it, and
-- not at every call, as it does with scripts.
--
-- KEYS[1] is the shard's prefix. Every key of a call is that prefix and more, so all of them lie in the slot that Redis Cluster finds
-- from KEYS[1]. ARGV[1] is the tenant, or empty where a call is about the whole shard. The keys are listed in src/keys.rs; ids are written
-- as it says there.
--
-- The only clock is Redis TIME, which stands still while a function runs. A lease is live while its score > now.

-- What one call is about, or a batch of calls; `begin` in run.lua sets all of them. `now` is also there as text: to write a number costs as
-- much as a command.
local call, shard, now, now_text
-- Whose call it is at the moment, what his keys begin with, and what is known of him; and the same of all whose calls are in the batch.
local tenant, prefix, its, tenants

local function of_tenant(id)
  if id == tenant then return end
  if not tenants[id] then tenants[id] = {prefix = shard .. id .. ':', licences = {}, people = {}} end
  tenant, its = id, tenants[id]
  prefix = its.prefix
end

-- What stands before a text of so many bytes in MessagePack (github.com/msgpack/msgpack/blob/master/spec.md, the str formats). Whatever a
-- busy call packs are texts, and it joins them itself: cmsgpack.pack makes a string of every value before it joins them.
local str = {}
local function head(text)
  local length = #text
  local known = str[length]
  if not known then
    known = string.sub(cmsgpack.pack(text), 1, -length - 1)
    str[length] = known
  end
  return known
end

-- A whole number as text. Redis itself would write it as a fraction of 17 digits, which costs ten times as much.
local function int(number) return string.format('%d', number) end

-- An answer is one text, with a field in each line, since Redis and its client take their time for every value of an array. Only the last
-- field may have lines of its own. (Answers that busy calls give are put together where they are given: a table costs as much as a command.)
local function answer(...) return table.concat({...}, '\n') end

local function session_key(sid) return prefix .. 's:' .. sid end
local function member_key(user) return prefix .. 'u:' .. user end
local function limits_key(lic) return prefix .. 'limits:' .. lic end
