-- One atomic step on one counter of one account: what `record.py` describes, on the server. All keys of an account are in
-- one hash slot, and none of them ever expires.
--
-- KEYS  1 account: birth, server (its run id), rests_from, lost, skew (of the clocks of clients), c:NAME of each counter
--       2 counter: mark, number, granted_at, held_until, hold_s, gathers_until, gather_s, refusals, refused_at, sent_at,
--         period, and d:DAY for each day, as `Day` is written: [{life: [granted, back]}, spent_at];
--         w:PERIOD:STEP requests in a step of a window of more than an hour
--       3 ends: sorted set of "owner claim", scored by when the slot ends (see store.py); "=" as its mark; "! id" once a
--         claim was given back before it was made
-- ARGV  1 the step, 2 its arguments as JSON
-- Instants are by this server's clock alone, so what clients send and are sent are differences.

local step, a = ARGV[1], cjson.decode(ARGV[2])
local account, counter, ends = KEYS[1], KEYS[2], KEYS[3]
local days = a.days or {}
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local member, known = (a.owner or '') .. ' ' .. (a.id or ''), '! ' .. (a.id or '')
local FIELDS = {
  'mark', 'number', 'granted_at', 'held_until', 'hold_s', 'gathers_until', 'gather_s', 'refusals', 'refused_at', 'sent_at',
  'period',
}
local c, tallies = {}, {} -- the counter, and what is charged to each day

local function exact(number) return string.format('%.6f', number) end

local function read()
  local fields = {}
  for i, field in ipairs(FIELDS) do fields[i] = field end
  for i, day in ipairs(days) do fields[#FIELDS + i] = 'd:' .. day end
  local found = redis.call('HMGET', counter, unpack(fields))
  c.mark = found[1]
  for i = 2, #FIELDS do c[FIELDS[i]] = tonumber(found[i] or '0') end
  for i = 1, #days do tallies[i] = cjson.decode(found[#FIELDS + i] or '[{},0]') end
end

local function write(i) redis.call('HSET', counter, 'd:' .. days[i], cjson.encode(tallies[i])) end

local function charge(i, granted, back) -- counts them for one of the days, under the mark
  local lives, mark = tallies[i][1], c.mark or ''
  local before = lives[mark] or { 0, 0 }
  lives[mark] = { before[1] + granted, before[2] + back }
  write(i)
end

local function used(tally)
  local sum = 0
  for _, one in pairs(tally[1]) do sum = sum + one[1] - one[2] end
  return math.max(sum, tally[2])
end

local function held_s() return math.max(0, math.min(c.held_until - now, c.hold_s)) end

local function gathering_s() return math.max(0, math.min(c.gathers_until - now, c.gather_s)) end

local function hold(seconds)
  local longer = math.max(held_s(), seconds)
  redis.call('HSET', counter, 'hold_s', exact(longer), 'held_until', exact(now + longer))
end

local function others() -- seconds since each slot of another owner ended; 0 if it is in flight
  local oldest, latest = exact(now - (a.rest_s or a.slots_s)), exact(now + a.lease_s + a.step_s)
  local ages, length, alone = {}, #a.owner, true
  -- Their names first: mostly all are the asker's own, and scores would cost twice as much again.
  for _, name in ipairs(redis.call('ZRANGEBYSCORE', ends, oldest, latest)) do
    alone = alone and string.sub(name, 1, length) == a.owner
  end
  if alone then return ages end
  local found = redis.call('ZRANGEBYSCORE', ends, oldest, latest, 'WITHSCORES')
  for i = 1, #found, 2 do
    if string.sub(found[i], 1, length) ~= a.owner then
      ages[#ages + 1] = math.max(0, now - tonumber(found[i + 1]))
    end
  end
  return ages
end

local function step_of(room, at) return math.floor(at / room.step_s) end

local function field(room, step) return string.format('w:%d:%d', room.period_s, step) end

local function full_s() -- for how long a window of more than an hour is still full
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

local function count(room, at) -- counts a request that arrives by then at the latest, and returns its step
  local step = step_of(room, at)
  if redis.call('HINCRBY', counter, field(room, step), 1) == 1 then -- the first in its step: drop the steps that are over
    local prefix, over = string.format('^w:%d:(%%d+)$', room.period_s), step_of(room, now - room.rest_s)
    for _, name in ipairs(redis.call('HKEYS', counter)) do
      local old = string.match(name, prefix)
      if old and tonumber(old) < over then redis.call('HDEL', counter, name) end
    end
  end
  return step
end

local function reply(why, after_s, state, more)
  local told = more or {}
  state.why, state.after_s = why, after_s
  if state.others and #state.others == 0 then state.others = nil end -- empty, it would arrive as an object
  if #days > 0 then
    told.days, state.used = tallies, {}
    for i, tally in ipairs(tallies) do state.used[i] = used(tally) end
  end
  if c.refusals > 0 then
    state.refused = { number = c.refusals, ago_s = math.max(0, now - c.refused_at),
      sent_ago_s = math.max(0, now - c.sent_at), period_s = c.period > 0 and c.period or cjson.null }
  end
  told.now, told.state = now, state
  return cjson.encode(told)
end

local function info(section) -- '' where the user has no right to ask
  local told = redis.pcall('INFO', section)
  return type(told) == 'string' and told or ''
end

local function shards()
  local told = redis.pcall('CLUSTER', 'INFO')
  return tonumber(string.match(type(told) == 'string' and told or '', 'cluster_size:(%d+)') or '1')
end

local function elsewhere() -- the number of another database of this server that counts the account, if there is one
  for number in string.gmatch(info('keyspace'), 'db(%d+):') do
    if redis.pcall('SELECT', number).ok and redis.call('EXISTS', account) == 1 then return number end
  end
  redis.pcall('SELECT', a.db)
end

local function adopt(birth) -- the counter goes on under another birth
  c.mark, c.number, c.held_until, c.gathers_until = birth, 0, now + held_s(), now + gathering_s()
  local ahead = math.max(c.granted_at, c.refused_at) - now
  if ahead > 0 then -- its clock was set back by so much at least: what was answered before that is not in flight
    local found = redis.call('ZRANGEBYSCORE', ends, exact(now), '(+inf', 'WITHSCORES')
    for i = 1, #found, 2 do redis.call('ZADD', ends, exact(tonumber(found[i + 1]) - ahead), found[i]) end
  end
  c.granted_at, c.refused_at = math.min(c.granted_at, now), math.min(c.refused_at, now)
  redis.call('HSET', counter, 'mark', birth, 'number', 0, 'held_until', exact(c.held_until),
    'gathers_until', exact(c.gathers_until), 'granted_at', exact(c.granted_at), 'refused_at', exact(c.refused_at))
  redis.call('ZADD', ends, '+inf', '=')
  redis.call('HSET', account, 'c:' .. a.counter, 1)
end

local function meet() -- the account from now on, and what was found wrong with it, if anything
  local found = redis.call('HMGET', account, 'birth', 'server', 'rests_from', 'lost', 'skew', 'c:' .. a.counter)
  local its = { birth = found[1], server = found[2], rests_from = tonumber(found[3] or '0'), lost = found[4] == '1' }
  local listed, skew, adopted = found[6], tonumber(found[5] or '0'), a.adopted or 0
  local server = string.match(info('server'), 'run_id:(%w+)') or ''
  local why = nil
  if not its.birth then
    its.apart = elsewhere()
    if its.apart then return its end
    local found_empty = a.birth == '' and redis.call('EXISTS', counter, ends) == 0 and adopted == 0
    why = found_empty and 'it is empty' or 'it does not know this account any more'
  elseif its.server ~= server and server ~= '' then why = 'it is another one, a copy, or started anew'
  elseif listed and not (c.mark and redis.call('ZSCORE', ends, '=')) then why = 'it has lost a counter'
  elseif c.mark and (listed or false) ~= (c.mark == its.birth and '1') then
    why = 'what it says of a counter is not of its time'
  elseif a.birth == its.birth and a.number > c.number then why = 'it is as it was some time ago'
  elseif math.max(c.granted_at, c.refused_at) > now + a.step_s then why = 'its clock was set back'
  elseif a.stepped then why = 'its clock was set'
  elseif adopted > its.rests_from and adopted <= now then why = 'it was used by version 0.1'
  end
  if why then
    its = { birth = a.id, server = server, rests_from = now, lost = why ~= 'it is empty', why = why }
    listed = false
    redis.call('DEL', account)
    redis.call('HSET', account, 'birth', a.id, 'server', server, 'rests_from', exact(now),
      'lost', its.lost and 1 or 0, 'skew', exact(a.wall - now))
  elseif a.birth ~= '' and a.birth ~= its.birth then
    its.lost = true
    -- On the other server this client may have been granted what nobody here knows of.
    if a.server ~= server then its.rests_from = math.max(its.rests_from, now - a.ago_s) end
    redis.call('HSET', account, 'lost', 1, 'rests_from', exact(its.rests_from))
  elseif c.mark and not listed and not its.lost then
    its.lost = true
    redis.call('HSET', account, 'lost', 1)
  end
  if not listed then adopt(its.birth) end
  -- A newcomer whose clock differs from this one by something else than that of others does, or who may not ask which
  -- server this is, rests by itself. What the difference is from now on it may say only after that: others may come who
  -- do not know that a clock was set either.
  its.skewed = not its.why and math.abs(a.wall - now - skew) > a.noticed_s
  if a.rested then redis.call('HSET', account, 'skew', exact(a.wall - now)) end
  its.blind = server == ''
  its.unsure = (its.skewed and a.birth == '') or (a.fresh and its.blind)
  return its
end

local function end_slots() -- writes down when each of these slots was answered
  for _, one in ipairs(a.ended) do redis.call('ZADD', ends, exact(now - one[2]), a.owner .. ' ' .. one[1]) end
end

local steps = {}

function steps.reserve()
  if a.ended then end_slots() end -- whatever becomes of the claim
  read()
  if redis.call('ZSCORE', ends, known) then return reply('hold', 0, {}, { void = true }) end
  local its = meet()
  if its.apart then return reply('hold', 0, {}, { database = its.apart }) end
  local state = { lost_ago_s = now - its.rests_from }
  local more = { birth = its.birth, server = its.server, blind = its.blind, lost = its.lost, news = its.why,
    number = c.number, skewed = its.skewed, tell = a.birth ~= '' and a.birth ~= its.birth }
  if more.tell then return reply('hold', 0, state, more) end
  if redis.call('ZSCORE', ends, member) then return reply(nil, 0, state, more) end
  redis.call('ZREMRANGEBYSCORE', ends, '-inf', exact(now - math.max(a.rest_s, a.slots_s))) -- each time: having written, it may write on (below)
  local ages, rested_s = others(), a.gather_s + a.rest_s
  state.others = ages
  if its.unsure then
    more.unsure = true
    return reply('hold', rested_s, state, more)
  end
  for _, tally in ipairs(tallies) do
    if used(tally) >= a.day_limit then return reply('day', 0, state, more) end
  end
  local rests = (its.lost or a.cold_start) and its.rests_from + rested_s - now or 0
  local held, gathering, paced = math.max(held_s(), rests, full_s()), gathering_s(), 0
  if a.pace_s > a.slack_s and c.granted_at <= now then paced = c.granted_at + a.pace_s - a.slack_s - now end
  if held > 0 or gathering > 0 then
    more.gathers = held <= 0
    return reply('hold', math.max(held, gathering, paced), state, more)
  end
  if paced > 0 then return reply('pace', paced, state, more) end
  for _, room in ipairs(a.windows) do
    local full = 0
    for _, age in ipairs(ages) do
      if age < room.rest_s then full = full + 1 end
    end
    if full >= room.free then return reply('window', 0, state, more) end
  end
  redis.call('ZADD', ends, exact(now + a.lease_s), member)
  redis.call('HSET', counter, 'number', c.number + 1, 'granted_at', exact(now))
  for i = 1, #days do charge(i, 1, 0) end
  if #days > 0 and tallies[#days][1][c.mark][1] == 1 then -- the first of its day: drop the days that are over
    for _, field in ipairs(redis.call('HKEYS', counter)) do
      local old = tonumber(string.match(field, '^d:(%d+)$'))
      if old and old <= days[1] - a.days_kept then redis.call('HDEL', counter, field) end
    end
  end
  more.number, state.others = c.number + 1, nil
  -- By the end of its lease it has arrived, even if its sender dies.
  if #a.long > 0 then state.steps = {} end
  for i, room in ipairs(a.long) do state.steps[i] = count(room, now + a.lease_s) end
  return reply(nil, 0, state, more)
end

function steps.mend() -- takes over what a client knows of the days and this server may have forgotten
  read()
  for i, told in ipairs(a.known) do
    local lives = tallies[i][1]
    for life, one in pairs(told[1]) do
      local before = lives[life] or { 0, 0 }
      lives[life] = { math.max(before[1], one[1]), math.max(before[2], one[2]) }
    end
    tallies[i][2] = math.max(tallies[i][2], told[2])
    write(i)
  end
end

function steps.answered()
  local ends_at = #days > 0 and tonumber(redis.call('ZSCORE', ends, member) or now + 1)
  if ends_at and ends_at > now then -- else it was told before: it is charged once
    read()
    for i = 1, #days do charge(i, 1, 0) end
  end
  local at = now - a.ended[1][2]
  for i, room in ipairs(a.long) do
    if a.steps[i] and step_of(room, at) > a.steps[i] then count(room, at) end
  end
  if a.windowed then
    end_slots()
  else
    redis.call('ZREM', ends, member)
  end
end

function steps.refund()
  if redis.call('ZREM', ends, member) == 0 then
    redis.call('ZADD', ends, exact(now + 2 * a.lease_s + 60), known) -- the claim itself may still be on its way
    return
  end
  read()
  if type(a.life) ~= 'string' or a.life == c.mark then -- else the grant was lost with the server's data
    for i = 1, #days do charge(i, 0, 1) end
  end
  for i, step in ipairs(a.steps) do
    local name = field(a.long[i], step)
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
  read()
  tallies[1][2] = math.max(tallies[1][2], a.limit)
  write(1)
end

function steps.back() -- a client returns from its share, which is a life of its own; all who did so are waited for
  steps.mend()
  for _, one in ipairs(a.in_flight) do redis.call('ZADD', ends, 'NX', exact(now + a.lease_s), one) end
  local longer = math.max(gathering_s(), a.gather_s)
  redis.call('HSET', counter, 'gather_s', exact(longer), 'gathers_until', exact(now + longer))
end

function steps.look()
  read()
  return reply(nil, math.max(held_s(), gathering_s()), { others = others() })
end

local STOPPED = 'counted by a later version of agora-tencent-analytics since'

function steps.hello() -- KEYS are those of version 0.1 (slots, state, days): returns what it counted, and stops it
  local facts, told = nil, {}
  if a.facts then
    local memory, persistence = info('memory'), info('persistence')
    facts = {
      role = string.match(info('replication'), 'role:(%w+)'),
      servers = string.match(info('cluster'), 'cluster_enabled:1') and shards() or 1,
      policy = string.match(memory, 'maxmemory_policy:([%w-]+)'),
      limited = (tonumber(string.match(memory, 'maxmemory:(%d+)')) or 0) > 0,
      appends = string.match(persistence, 'aof_enabled:(%d)'),
      dumps = string.match(persistence, 'rdb_last_bgsave_time_sec:%d') and true, -- -1 before the first
    }
    if facts.role == 'slave' or facts.servers > 1 then return cjson.encode({ facts = facts }) end
  end
  for i = 3, #KEYS do
    local found = redis.call('HMGET', KEYS[i], 'used', 'spent_at')
    if found[1] or found[2] then told[#told + 1] = { days[i - 2], tonumber(found[1] or '0'), tonumber(found[2] or '0') } end
  end
  local kind = redis.call('TYPE', KEYS[1]).ok
  if kind == 'zset' or kind == 'none' then
    local was_used = kind == 'zset' or #told > 0
    redis.call('DEL', KEYS[1])
    redis.call('HSET', KEYS[1], STOPPED, was_used and exact(now) or 0)
  end
  local stopped_at = kind == 'string' and 0 or tonumber(redis.call('HGET', KEYS[1], STOPPED))
  return cjson.encode({ facts = facts, days = told, stopped_at = stopped_at })
end

-- What was sent must be written down even when memory is full: a script that has written once may go on writing.
if step ~= 'reserve' and step ~= 'look' and step ~= 'hello' or a.ended then redis.call('ZREM', ends, '!') end
return steps[step]()
