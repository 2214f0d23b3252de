-- Strings and sorted sets as the calls of a batch see them: what one call writes, the next one reads, but Redis hears of it once, from
-- `flush` in run.lua. A command costs more than what it does, and can do it for many calls.
--
-- Whatever gives a command on such a key past these functions writes it first (`write_texts`, `write_set`).

-- By key: texts, or false where there is none; those that are not written yet; sorted sets as `sorted` makes them.
local texts, unwritten, sets
-- What `fetch` is to read: keys of texts, and sets with members that are wanted.
local wanted, wanted_sets

local function get(key)
  local text = texts[key]
  if text == nil then
    text = call('GET', key)
    texts[key] = text
  end
  return text
end

local function set(key, text)
  texts[key], unwritten[key] = text, text
end

-- Written at once, and gone at that time (in ms, as text). Redis rewrites what is told how long something lasts.
local function set_until(key, text, time)
  texts[key], unwritten[key] = text, nil
  call('SET', key, text, 'PXAT', time)
end

local function write_texts()
  local list = {}
  for key, text in pairs(unwritten) do
    list[#list + 1] = key
    list[#list + 1] = text
  end
  if list[1] then call('MSET', unpack(list)) end
  unwritten = {}
end

-- What is known of a sorted set: the scores of some members, or false of who is not in it; what is not written yet, as texts, or false of who is
-- to be taken out; and once they were asked for, how many members it has (`size`), and how many whose score is in the future (`live`).
-- Both may be too high, but never too low, for a member that was put into it without having been looked at.
local function sorted(key)
  local known = sets[key]
  if not known then
    known = {key = key, scores = {}, unwritten = {}}
    sets[key] = known
  end
  return known
end

local function write_set(set)
  local add, drop = {}, {}
  for member, score in pairs(set.unwritten) do
    if score then
      add[#add + 1] = score
      add[#add + 1] = member
    else
      drop[#drop + 1] = member
    end
  end
  if add[1] then call('ZADD', set.key, unpack(add)) end
  if drop[1] then call('ZREM', set.key, unpack(drop)) end
  if add[1] or drop[1] then set.unwritten = {} end
  -- With its last member, a set loses its time to live.
  if drop[1] then set.lasts = false end
end

-- A member's score, or false.
local function score_of(set, member)
  local score = set.scores[member]
  if score == nil then
    score = call('ZSCORE', set.key, member)
    score = score and tonumber(score)
    set.scores[member] = score
  end
  return score
end

local function size_of(set)
  if not set.size then
    write_set(set)
    set.size = call('ZCARD', set.key)
  end
  return set.size
end

local function live_in(set)
  if not set.live then
    write_set(set)
    set.live = call('ZCOUNT', set.key, '(' .. now_text, '+inf')
  end
  return set.live
end

-- Gives a member a score in the future, which is there as text, too.
local function put(set, member, score, text)
  local before = set.scores[member]
  if set.size and not before then set.size = set.size + 1 end
  if set.live and not (before and before > now) then set.live = set.live + 1 end
  set.scores[member], set.unwritten[member] = score, text
end

local function take_out(set, member)
  local before = set.scores[member]
  if set.size and before then set.size = set.size - 1 end
  if set.live and before and before > now then set.live = set.live - 1 end
  set.scores[member], set.unwritten[member] = false, false
end

-- `fetch` reads all that was wanted since the last one. What is read without having been wanted is only read more slowly.
local function want(key)
  if texts[key] == nil then
    texts[key] = false
    wanted[#wanted + 1] = key
  end
end

local function want_score(set, member)
  if set.scores[member] ~= nil then return end
  set.scores[member] = false
  local members = set.wanted
  if not members then
    members = {}
    set.wanted = members
    wanted_sets[#wanted_sets + 1] = set
  end
  members[#members + 1] = member
end

local function fetch()
  if wanted[1] then
    local found = call('MGET', unpack(wanted))
    for i = 1, #wanted do texts[wanted[i]] = found[i] end
    wanted = {}
  end
  for i = 1, #wanted_sets do
    local set = wanted_sets[i]
    local found = call('ZMSCORE', set.key, unpack(set.wanted))
    for j, member in ipairs(set.wanted) do set.scores[member] = found[j] and tonumber(found[j]) end
    set.wanted = nil
  end
  wanted_sets = {}
end
