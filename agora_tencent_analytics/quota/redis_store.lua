-- One atomic step on one counter of one account: what `record.py` describes, on the server. All keys of an account share
-- one hash slot, and none ever expires.
--
-- KEYS  1 account: birth, server (its run id), rests_from, lost, skew (of the clocks of clients), c:NAME of each counter
--       2 counter: mark, number, granted_at, held_until, hold_s, gathers_until, refusals, refused_at, sent_at, period,
--         and for each DAY g: granted and r: given back under the mark, p: the same under earlier births, s: spent_at;
--         w:PERIOD:STEP requests in a step of a window of more than an hour
--       3 ends: sorted set of "owner claim", scored by when the slot ends (see store.py); "=" as its mark; "! id" once a
--         claim was given back before it was made, or a share was told
-- ARGV  1 the step, 2 its arguments as JSON
-- The clock is this server's alone. Times travel as differences.

local step, a = ARGV[1], cjson.decode(ARGV[2])
local account, counter, ends = KEYS[1], KEYS[2], KEYS[3]
local days = a.days or {}
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local member, known = (a.owner or '') .. ' ' .. (a.id or ''), '! ' .. (a.id or '')
local FIELDS = {
  'mark', 'number', 'granted_at', 'held_until', 'hold_s', 'gathers_until', 'refusals', 'refused_at', 'sent_at', 'period',
}
local c, tallies = {}, {} -- the counter, and what is charged to each day

local function exact(number) return string.format('%.6f', number) end

local function read()
  local fields = {}
  for i, field in ipairs(FIELDS) do fields[i] = field end
  for _, day in ipairs(days) do
    for _, kind in ipairs({'g:', 'r:', 's:', 'p:'}) do fields[#fields + 1] = kind .. day end
  end
  local found = redis.call('HMGET', counter, unpack(fields))
  c.mark = found[1]
  for i = 2, #FIELDS do c[FIELDS[i]] = tonumber(found[i] or '0') end
  for i = 1, #days do
    local at = #FIELDS + 4 * i - 4
    local granted, back = tonumber(found[at + 1] or '0'), tonumber(found[at + 2] or '0')
    local used = granted - back
    local past = found[at + 4] and cjson.decode(found[at + 4]) or nil
    for _, one in pairs(past or {}) do used = used + one[1] - one[2] end
    local spent = tonumber(found[at + 3] or '0')
    tallies[i] = { granted = granted, back = back, spent = spent, past = past, used = math.max(spent, used) }
  end
end

local function held_s() return math.max(0, math.min(c.held_until - now, c.hold_s)) end

local function hold(seconds)
  local longer = math.max(held_s(), seconds)
  redis.call('HSET', counter, 'hold_s', exact(longer), 'held_until', exact(now + longer))
end

local function others() -- seconds since the slots of other owners ended, 0 for those in flight
  local latest = exact(now + a.lease_s + a.step_s)
  local found, ages = redis.call('ZRANGEBYSCORE', ends, exact(now - a.rest_s), latest, 'WITHSCORES'), {}
  for i = 1, #found, 2 do
    if string.sub(found[i], 1, #a.owner) ~= a.owner then
      ages[#ages + 1] = math.max(0, now - tonumber(found[i + 1]))
    end
  end
  return ages
end

local function step_of(room, at) return math.floor(at / room.step_s) end

local function field(room, step) return string.format('w:%d:%d', room.period, step) end

local function full_s() -- for how long a window of more than an hour is full
  local longest = 0
  for _, room in ipairs(a.long) do
    local oldest, fields, sum, first = step_of(room, now - room.rest_s), {}, 0, nil
    for step = oldest, step_of(room, now + a.lease_s) do fields[#fields + 1] = field(room, step) end
    for i, count in ipairs(redis.call('HMGET', counter, unpack(fields))) do
      if count and tonumber(count) > 0 then sum, first = sum + tonumber(count), first or oldest + i - 1 end
    end
    if sum >= room.limit then longest = math.max(longest, (first + 1) * room.step_s + room.rest_s - now) end
  end
  return longest
end

local function count(room, at) -- a request that arrives no later than that; tells its step
  local step = step_of(room, at)
  if redis.call('HINCRBY', counter, field(room, step), 1) == 1 then -- the step has begun: others are over
    local prefix, over = string.format('^w:%d:(%%d+)$', room.period), step_of(room, now - room.rest_s)
    for _, name in ipairs(redis.call('HKEYS', counter)) do
      local old = string.match(name, prefix)
      if old and tonumber(old) < over then redis.call('HDEL', counter, name) end
    end
  end
  return step
end

local function reply(why, after_s, more)
  local told = more or {}
  told.why, told.after_s, told.now, told.tallies = why, after_s, now, tallies
  if c.refusals > 0 then told.refused = { c.refusals, now - c.refused_at, now - c.sent_at, c.period } end
  return cjson.encode(told)
end

local function info(section) -- '' where this user may not ask
  local told = redis.pcall('INFO', section)
  return type(told) == 'string' and told or ''
end

local function shards()
  local told = redis.pcall('CLUSTER', 'INFO')
  return tonumber(string.match(type(told) == 'string' and told or '', 'cluster_size:(%d+)') or '1')
end

local function merge(lives, life, granted, back)
  local before = lives[life] or { 0, 0 }
  lives[life] = { math.max(before[1], granted), math.max(before[2], back) }
end

local function adopt(birth) -- the counter goes on under another birth
  local lists = {}
  for _, field in ipairs(redis.call('HKEYS', counter)) do
    local day = string.match(field, '^[gr]:(%d+)$')
    if day then lists[day] = true end
  end
  for day in pairs(lists) do
    local found = redis.call('HMGET', counter, 'g:' .. day, 'r:' .. day, 'p:' .. day)
    local lives = found[3] and cjson.decode(found[3]) or {}
    merge(lives, c.mark or '', tonumber(found[1] or '0'), tonumber(found[2] or '0'))
    redis.call('HSET', counter, 'p:' .. day, cjson.encode(lives))
    redis.call('HDEL', counter, 'g:' .. day, 'r:' .. day)
  end
  redis.call('HSET', counter, 'mark', birth, 'number', 0, 'held_until', exact(now + held_s()),
    'granted_at', exact(math.min(c.granted_at, now)), 'refused_at', exact(math.min(c.refused_at, now)))
  redis.call('ZADD', ends, '+inf', '=')
  redis.call('HSET', account, 'c:' .. a.counter, 1)
  read()
end

local function meet() -- the account as it is from now on, with what was found wrong with it, if anything
  local found = redis.call('HMGET', account, 'birth', 'server', 'rests_from', 'lost', 'skew', 'c:' .. a.counter)
  local its = { birth = found[1], server = found[2], rests_from = tonumber(found[3] or '0'), lost = found[4] == '1' }
  local listed, skew = found[6], tonumber(found[5] or '0')
  local server = string.match(info('server'), 'run_id:(%w+)') or ''
  local why = nil
  if not its.birth then
    local found_empty = a.birth == '' and redis.call('EXISTS', counter, ends) == 0 and not a.adopted
    why = found_empty and 'it is empty' or 'it does not know this account any more'
  elseif its.server ~= server and server ~= '' then why = 'it is another one, a copy, or started anew'
  elseif listed and not (c.mark and redis.call('ZSCORE', ends, '=')) then why = 'it has lost a counter'
  elseif c.mark and (listed or false) ~= (c.mark == its.birth and '1') then
    why = 'what it says of a counter is not of its time'
  elseif a.birth == its.birth and a.number > c.number then why = 'it is as it was some time ago'
  elseif math.max(c.granted_at, c.refused_at) > now + a.step_s then why = 'its clock was set back'
  elseif a.stepped then why = 'its clock was set'
  elseif a.adopted then why = 'it was used by version 0.1'
  end
  if why then
    its = { birth = a.id, server = server, rests_from = now, lost = why ~= 'it is empty', why = why }
    listed = false
    redis.call('DEL', account)
    redis.call('HSET', account, 'birth', a.id, 'server', server, 'rests_from', exact(now),
      'lost', its.lost and 1 or 0, 'skew', exact(a.wall - now))
  elseif a.birth ~= '' and a.birth ~= its.birth then
    its.lost = true
    -- Elsewhere it may have been granted what nobody knows of here.
    if a.server ~= server then its.rests_from = math.max(its.rests_from, now - a.ago_s) end
    redis.call('HSET', account, 'lost', 1, 'rests_from', exact(its.rests_from))
  elseif c.mark and not listed and not its.lost then
    its.lost = true
    redis.call('HSET', account, 'lost', 1)
  end
  if not listed then adopt(its.birth) end
  -- Whose clock is ahead of this one as that of others is not, or who may not know which server it is, rests alone.
  local skewed = a.birth == '' and not its.why and math.abs(a.wall - now - skew) > a.step_s
  if skewed then redis.call('HSET', account, 'skew', exact(a.wall - now)) end
  its.blind = server == ''
  its.unsure = skewed or (a.fresh and its.blind)
  return its
end

local steps = {}

function steps.reserve()
  read()
  if redis.call('ZSCORE', ends, known) then return reply('void', 0) end
  local its = meet()
  local more = { birth = its.birth, server = its.server, blind = its.blind, lost = its.lost, news = its.why,
    lost_ago_s = now - its.rests_from, number = c.number }
  if a.birth ~= '' and a.birth ~= its.birth then return reply('tell', 0, more) end
  if redis.call('ZSCORE', ends, member) then return reply(nil, 0, more) end
  redis.call('ZREMRANGEBYSCORE', ends, '-inf', exact(now - a.slots_s))
  local ages, rested_s = others(), a.gather_s + a.rest_s
  more.others = ages
  if its.unsure then
    more.unsure = true
    return reply('hold', rested_s, more)
  end
  for _, day in ipairs(tallies) do
    if day.used >= a.day_limit then return reply('day', 0, more) end
  end
  local rests = (its.lost or a.cold_start) and its.rests_from + rested_s - now or 0
  local held, gathering, paced = math.max(held_s(), rests, full_s()), c.gathers_until - now, 0
  if a.pace_s > 0 and c.granted_at <= now then paced = c.granted_at + a.pace_s - now end
  if held > 0 or gathering > 0 then
    more.gathers = held <= 0
    return reply('hold', math.max(held, gathering, paced), more)
  end
  if paced > 0 then return reply('pace', paced, more) end
  for _, room in ipairs(a.windows) do
    local full = 0
    for _, age in ipairs(ages) do
      if age < room[2] then full = full + 1 end
    end
    if full >= room[1] then return reply('window', 0, more) end
  end
  redis.call('ZADD', ends, exact(now + a.lease_s), member)
  local written = { 'number', c.number + 1, 'granted_at', exact(now) }
  for i, day in ipairs(days) do
    local tally = tallies[i]
    tally.granted, tally.used = tally.granted + 1, math.max(tally.spent, tally.used + 1)
    written[#written + 1], written[#written + 2] = 'g:' .. day, tally.granted
    if tally.granted == 1 then -- the day has begun: others are over
      for _, field in ipairs(redis.call('HKEYS', counter)) do
        local old = string.match(field, '^[grps]:(%d+)$')
        if old and tonumber(old) <= days[1] - a.days_kept then redis.call('HDEL', counter, field) end
      end
    end
  end
  redis.call('HSET', counter, unpack(written))
  more.number, more.others, more.steps = c.number + 1, nil, {}
  -- Should its sender die, it has arrived by the end of its lease.
  for i, room in ipairs(a.long) do more.steps[i] = count(room, now + a.lease_s) end
  return reply(nil, 0, more)
end

function steps.mend() -- what a client knows of the days, and this server may have forgotten
  local mark = redis.call('HGET', counter, 'mark')
  for _, told in ipairs(a.known) do
    local day, spent, lives = told[1], told[2], told[3]
    local found = redis.call('HMGET', counter, 'p:' .. day, 's:' .. day, 'g:' .. day, 'r:' .. day)
    local past = found[1] and cjson.decode(found[1]) or {}
    local under_mark = { [mark or ''] = { tonumber(found[3] or '0'), tonumber(found[4] or '0') } }
    for life, one in pairs(lives) do merge(life == mark and under_mark or past, life, one[1], one[2]) end
    redis.call('HSET', counter, 'g:' .. day, under_mark[mark or ''][1], 'r:' .. day, under_mark[mark or ''][2])
    redis.call('HSET', counter, 'p:' .. day, cjson.encode(past), 's:' .. day, math.max(spent, tonumber(found[2] or '0')))
  end
end

function steps.answered()
  local until_ = #days > 0 and redis.call('ZSCORE', ends, member)
  if until_ == false or #days > 0 and tonumber(until_) > now then -- told twice, it is charged once
    for _, day in ipairs(days) do redis.call('HINCRBY', counter, 'g:' .. day, 1) end
  end
  for _, room in ipairs(a.long) do
    if room.step >= 0 and step_of(room, now - a.ago_s) > room.step then count(room, now - a.ago_s) end
  end
  if a.windowed then
    redis.call('ZADD', ends, exact(now - a.ago_s), member)
  else
    redis.call('ZREM', ends, member)
  end
end

function steps.refund()
  if redis.call('ZREM', ends, member) == 0 then
    redis.call('ZADD', ends, exact(now + 2 * a.lease_s + 60), known) -- the claim may still be on its way
    return
  end
  for _, day in ipairs(days) do redis.call('HINCRBY', counter, 'r:' .. day, 1) end
  for _, room in ipairs(a.long) do
    local name = field(room, room.step)
    if tonumber(redis.call('HGET', counter, name) or '0') > 0 then redis.call('HINCRBY', counter, name, -1) end
  end
end

function steps.renew() redis.call('ZADD', ends, exact(now + a.lease_s), member) end

function steps.refused()
  read()
  hold(a.hold_s - a.ago_s)
  redis.call('HINCRBY', counter, 'refusals', 1)
  redis.call('HSET', counter, 'refused_at', exact(now - a.ago_s), 'sent_at', exact(now - a.ago_s - a.sent_ago_s),
    'period', a.period_s)
end

function steps.spend()
  local before = tonumber(redis.call('HGET', counter, 's:' .. days[1]) or '0')
  redis.call('HSET', counter, 's:' .. days[1], math.max(before, a.limit))
end

function steps.back() -- from a share of its own: charge once what was granted, let all others come back
  if not redis.call('ZSCORE', ends, known) then
    redis.call('ZADD', ends, exact(now + 86400), known)
    for i, day in ipairs(days) do
      redis.call('HINCRBY', counter, (a.owed[i] < 0 and 'r:' or 'g:') .. day, math.abs(a.owed[i]))
    end
  end
  for _, one in ipairs(a.in_flight) do redis.call('ZADD', ends, 'NX', exact(now + a.lease_s), one) end
  local gathers_until = tonumber(redis.call('HGET', counter, 'gathers_until') or '0')
  redis.call('HSET', counter, 'gathers_until', exact(math.max(gathers_until, now + a.gather_s)))
end

function steps.look()
  read()
  return reply(nil, math.max(0, held_s(), c.gathers_until - now), { others = others() })
end

function steps.hello() -- KEYS are those of version 0.1: slots, state and days. What it counted is told, and it is stopped
  local facts, told = nil, {}
  if a.facts then
    local memory = info('memory')
    facts = {
      role = string.match(info('replication'), 'role:(%w+)'),
      servers = string.match(info('cluster'), 'cluster_enabled:1') and shards() or 1,
      policy = string.match(memory, 'maxmemory_policy:([%w-]+)'),
      limited = (tonumber(string.match(memory, 'maxmemory:(%d+)')) or 0) > 0,
      appends = string.match(info('persistence'), 'aof_enabled:(%d)'),
    }
    if facts.role == 'slave' or facts.servers > 1 then return cjson.encode({ facts = facts }) end
  end
  for i = 3, #KEYS do
    local found = redis.call('HMGET', KEYS[i], 'used', 'spent_at')
    if found[1] or found[2] then told[#told + 1] = { days[i - 2], tonumber(found[1] or '0'), tonumber(found[2] or '0') } end
  end
  local kind = redis.call('TYPE', KEYS[1]).ok
  if kind ~= 'string' then redis.call('SET', KEYS[1], 'counted by a later version of agora-tencent-analytics') end
  return cjson.encode({ facts = facts, days = told, found = kind == 'zset' or (kind == 'none' and #told > 0) })
end

-- What was sent is written down even where memory is full: a script that has written may go on to.
if step ~= 'reserve' and step ~= 'look' and step ~= 'hello' then redis.call('ZREM', ends, '!') end
return steps[step]()
