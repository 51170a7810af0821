-- One atomic step on one counter of one account. All keys of a counter share one hash slot.
--
-- KEYS  1 slots: sorted set of "owner claim", scored by when the slot ends (see store.py)
--       2 state: born, born_at, lost_at, granted_at, held_until, gathers_until, refusals, refused_at, sent_at, period
--       3 known: set once the claim was given back before it was made, or a share was told
--       4.. days: used, spent_at, mended (what survivors said after a loss of data)
-- ARGV  1 the step, 2 its arguments as JSON
-- The clock is this server's alone. Times travel as differences.

local step, a = ARGV[1], cjson.decode(ARGV[2])
local slots, state, known = KEYS[1], KEYS[2], KEYS[3]
local days = {}
for i = 4, #KEYS do days[i - 3] = KEYS[i] end
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local member = (a.owner or '') .. ' ' .. (a.id or '')

local function exact(number) return string.format('%.6f', number) end

local function get(key, field) return tonumber(redis.call('HGET', key, field) or '0') or 0 end

local function keep() -- nothing outlives its use
  redis.call('EXPIRE', slots, a.keep_s)
  redis.call('EXPIRE', state, a.keep_s)
  for _, day in ipairs(days) do redis.call('EXPIRE', day, a.keep_s) end
end

local function hold(seconds)
  redis.call('HSET', state, 'held_until', exact(math.max(get(state, 'held_until'), now + seconds)))
end

local function charged()
  local found = {}
  for i, day in ipairs(days) do found[i] = math.max(get(day, 'used'), get(day, 'spent_at')) end
  return found
end

local function others() -- seconds since the slots of other owners ended, 0 for those in flight
  local latest = exact(now + a.lease_s + a.step_s)
  local found, ages = redis.call('ZRANGEBYSCORE', slots, exact(now - a.rest_s), latest, 'WITHSCORES'), {}
  for i = 1, #found, 2 do
    if string.sub(found[i], 1, #a.owner) ~= a.owner then
      ages[#ages + 1] = math.max(0, now - tonumber(found[i + 1]))
    end
  end
  return ages
end

local function reply(why, after_s, ages, gathers)
  local refused = nil
  local refusals = get(state, 'refusals')
  if refusals > 0 then
    refused = { refusals, now - get(state, 'refused_at'), now - get(state, 'sent_at'), get(state, 'period') }
  end
  return cjson.encode({
    why = why, after_s = after_s, used = charged(), others = ages, refused = refused,
    born = redis.call('HGET', state, 'born') or nil, gathers = gathers,
  })
end

local function info(section, field) -- nil where this user may not ask
  local told = redis.pcall('INFO', section)
  return type(told) == 'string' and tonumber(string.match(told, field .. ':(%d+)')) or nil
end

local function meet() -- what is held, and mended, where data was or may have been lost: see redis_store.py
  local born = redis.call('HGET', state, 'born')
  if not born then
    born = a.id
    redis.call('HSET', state, 'born', born, 'born_at', exact(now))
    if info('persistence', 'aof_enabled') ~= 1 then
      local up_s = (info('server', 'uptime_in_seconds') or 1) - 1 -- whole seconds, up to one too many
      redis.call('HSET', state, 'lost_at', exact(now - up_s))
    end
  end
  if a.born ~= '' and a.born ~= born then
    redis.call('HSET', state, 'lost_at', exact(math.max(get(state, 'lost_at'), get(state, 'born_at'))))
    for i, day in ipairs(days) do
      local mended = get(day, 'mended')
      if a.seen[i] > mended then
        redis.call('HINCRBY', day, 'used', a.seen[i] - mended)
        redis.call('HSET', day, 'mended', a.seen[i])
      end
    end
  end
  local held = get(state, 'lost_at') + a.gather_s - now -- by every asker: each knows its own windows
  if held > 0 then hold(held) end
end

local steps = {}

function steps.reserve()
  if redis.call('EXISTS', known) == 1 then return reply('void', 0, {}) end
  if redis.call('ZSCORE', slots, member) then return reply(nil, 0, {}) end
  meet()
  redis.call('ZREMRANGEBYSCORE', slots, '-inf', exact(now - a.slots_s))
  local ages = others()
  for _, used in ipairs(charged()) do
    if used >= a.day_limit then return reply('day', 0, ages) end
  end
  local held, paced = get(state, 'held_until') - now, 0
  local granted_at = get(state, 'granted_at')
  if a.pace_s > 0 and granted_at <= now then paced = granted_at + a.pace_s - now end
  local gathering = get(state, 'gathers_until') - now
  if held > 0 or gathering > 0 then return reply('hold', math.max(held, gathering, paced), ages, held <= 0) end
  if paced > 0 then return reply('pace', paced, ages) end
  for _, room in ipairs(a.windows) do
    local full = 0
    for _, age in ipairs(ages) do
      if age < room[2] then full = full + 1 end
    end
    if full >= room[1] then return reply('window', 0, ages) end
  end
  redis.call('ZADD', slots, exact(now + a.lease_s), member)
  redis.call('HSET', state, 'granted_at', exact(now))
  for _, day in ipairs(days) do redis.call('HINCRBY', day, 'used', 1) end
  return reply(nil, 0, {})
end

function steps.answered()
  for _, day in ipairs(days) do redis.call('HINCRBY', day, 'used', 1) end
  if a.windowed then
    redis.call('ZADD', slots, exact(now - a.ago_s), member)
  else
    redis.call('ZREM', slots, member)
  end
end

function steps.refund()
  if redis.call('ZREM', slots, member) == 0 then
    redis.call('SET', known, '1', 'EX', 60) -- the claim may still be on its way
    return
  end
  for _, day in ipairs(days) do
    if get(day, 'used') > 0 then redis.call('HINCRBY', day, 'used', -1) end
  end
end

function steps.renew() redis.call('ZADD', slots, exact(now + a.lease_s), member) end

function steps.refused()
  hold(a.hold_s - a.ago_s)
  redis.call('HINCRBY', state, 'refusals', 1)
  redis.call('HSET', state, 'refused_at', exact(now - a.ago_s), 'sent_at', exact(now - a.ago_s - a.sent_ago_s))
  redis.call('HSET', state, 'period', a.period_s)
end

function steps.spend()
  redis.call('HSET', days[1], 'spent_at', math.max(get(days[1], 'spent_at'), a.limit))
end

function steps.back() -- from a share of its own: charge once what was granted, let all others come back
  if redis.call('SET', known, '1', 'NX', 'EX', a.keep_s) then
    for i, day in ipairs(days) do redis.call('HSET', day, 'used', math.max(0, get(day, 'used') + a.owed[i])) end
  end
  for _, one in ipairs(a.in_flight) do redis.call('ZADD', slots, 'NX', exact(now + a.lease_s), one) end
  redis.call('HSET', state, 'gathers_until', exact(math.max(get(state, 'gathers_until'), now + a.gather_s)))
end

function steps.look()
  return reply(nil, math.max(0, get(state, 'held_until') - now, get(state, 'gathers_until') - now), others())
end

local said = steps[step]()
keep()
return said
