/**
 * The verbs on sessions, one script each, atomic with its effects. None ends a session by itself: that is decided elsewhere, and marked
 * here. KEYS[1] is the effects stream of the user's shard; ARGV[1] and ARGV[2]
 * are the clock's offset and a fresh random text that effect ids are made from.
 *
 * A session is one hash, its fields a letter each, since there are millions of them:
 *   u user · D device · d what never changes, as JSON · c created · a absolute expiry · i idle expiry · e session epoch · g generation
 *   k key id · s salt · h token hash · f hash key id · t rotated at · n rotation id · w winner's attempt · l losers' attempts · p last seen
 *   o sealed origin · x revoked at · z why
 * A user's and a device's sessions that have not been revoked stand in a sorted set by their time of creation.
 */
import { script, storeClock } from './script.ts';

/** Rows stay for a day after the absolute expiry: who comes too late is told so, and not that the session is lost. */
export const keptAfterExpiryMs = 86_400_000;
const lastSeenGrainMs = 60_000;

/** An effect's id is a UUIDv7 (RFC 9562 §5.7) of the store's time and a digest of the caller's random text. */
const shared = `${storeClock}
local stream = KEYS[1]
local shard = string.sub(stream, 1, -8)
local traces = 0
local function rowKey(id) return shard .. 'session:' .. id end
local function effectId()
  traces = traces + 1
  local drawn = redis.sha1hex(ARGV[2] .. traces)
  local variant = string.sub('89ab', tonumber(string.sub(drawn, 4, 4), 16) % 4 + 1)
  return string.format('%08x-%04x-7', math.floor(now / 65536), now % 65536) .. string.sub(drawn, 1, 3) .. '-'
    .. string.sub(variant, 1, 1) .. string.sub(drawn, 5, 7) .. '-' .. string.sub(drawn, 8, 19)
end
local function trace(act, user, session, context, data)
  redis.call('XADD', stream, '*', 'i', effectId(), 't', now, 'a', act, 'u', user, 's', session, 'c', context, 'd', data)
end
local function isAlive(revoked, idle, absolute)
  return not revoked and idle and tonumber(idle) > now and tonumber(absolute) > now
end
local function min(a, b) if a < b then return a end return b end
`;

/** The oldest sessions above a limit. What has expired goes first: it is nobody's session any more. */
const limits = `
local above, going = {}, {}
local function addOldest(index, own, keep, cause)
  if keep == 0 or redis.call('ZCARD', index) <= keep then return end
  local order, late = {}, {}
  for _, other in ipairs(redis.call('ZREVRANGE', index, 0, -1)) do
    if other ~= own and not going[other] then
      local row = redis.call('HMGET', rowKey(other), 'x', 'i', 'a')
      if not row[2] or row[1] then redis.call('ZREM', index, other)
      else
        local list = late
        if isAlive(row[1], row[2], row[3]) then list = order end
        table.insert(list, {other, row[3]})
      end
    end
  end
  for _, entry in ipairs(late) do table.insert(order, entry) end
  for at = keep, #order do
    going[order[at][1]] = true
    table.insert(above, order[at][1])
    table.insert(above, order[at][2])
    table.insert(above, cause)
  end
end
`;

/** KEYS[1], the place's key. Returns the store's time and the shard. */
export const findPlaceScript = script(`${storeClock}
return {now, redis.call('GET', KEYS[1])}
`);

/** KEYS[2] row. */
export const findSessionScript = script(`${shared}
return {now, redis.call('HGETALL', KEYS[2])}
`);

/**
 * KEYS[2] row, KEYS[3] the user's index, KEYS[4] the device's where there is one. ARGV: session, user, device or '', idle and absolute time
 * to live, limits per device and per user, context, data of the effect, then fields and values. Returns the time, and of each session that
 * has to make room its id, absolute expiry and cause.
 */
export const createSessionScript = script(`${shared}${limits}
local id, user, device = ARGV[3], ARGV[4], ARGV[5]
local absolute = now + tonumber(ARGV[7])
if redis.call('EXISTS', KEYS[2]) == 1 then return redis.error_reply('ERR the session is there already') end
redis.call('HSET', KEYS[2], 'u', user, 'c', now, 'a', absolute, 'i', min(now + tonumber(ARGV[6]), absolute), 'g', 0, 't', now,
  'p', now, unpack(ARGV, 12))
if device ~= '' then redis.call('HSET', KEYS[2], 'D', device) end
redis.call('PEXPIREAT', KEYS[2], absolute - offset + ${keptAfterExpiryMs})
trace('session.started', user, id, ARGV[10], ARGV[11])

local function enter(index)
  redis.call('ZADD', index, now, id)
  local wanted = absolute - now + ${keptAfterExpiryMs}
  if redis.call('PTTL', index) < wanted then redis.call('PEXPIRE', index, wanted) end
  -- What has expired leaves no notice: each login takes away more than it adds.
  for _, old in ipairs(redis.call('ZRANGE', index, 0, 7)) do
    if redis.call('EXISTS', rowKey(old)) == 0 then redis.call('ZREM', index, old) end
  end
end
enter(KEYS[3])
if device ~= '' then
  enter(KEYS[4])
  addOldest(KEYS[4], id, tonumber(ARGV[8]), 'replaced')
end
addOldest(KEYS[3], id, tonumber(ARGV[9]), 'evicted')
return {now, above}
`);

/** KEYS[2] the user's index, KEYS[3] the device's where there is one. ARGV: session, limits per device and per user. Returns the same. */
export const findAboveLimitsScript = script(`${shared}${limits}
if KEYS[3] then addOldest(KEYS[3], ARGV[3], tonumber(ARGV[4]), 'replaced') end
addOldest(KEYS[2], ARGV[3], tonumber(ARGV[5]), 'evicted')
return above
`);

const seen = `
local function noteSeen(row, last, origin)
  if now - tonumber(last) >= ${lastSeenGrainMs} then redis.call('HSET', row, 'p', now) end
  if origin ~= '' then redis.call('HSET', row, 'o', origin) end
end
`;

/**
 * KEYS[2] row. ARGV: session, expected and new generation, key id, token hash, hash key id, rotation id, new salt or '', attempt or '',
 * idle time to live, sealed origin or '', context, act. Returns the time, whether it won, and the epoch or else the row.
 */
export const rotateSessionScript = script(`${shared}${seen}
local row = redis.call('HMGET', KEYS[2], 'u', 'g', 'x', 'i', 'a', 'p', 'e')
if not isAlive(row[3], row[4], row[5]) or tonumber(row[2]) ~= tonumber(ARGV[4]) then
  return {now, 0, redis.call('HGETALL', KEYS[2])}
end
redis.call('HSET', KEYS[2], 'g', ARGV[5], 'k', ARGV[6], 'h', ARGV[7], 'f', ARGV[8], 'n', ARGV[9], 't', now,
  'i', min(now + tonumber(ARGV[12]), tonumber(row[5])))
if ARGV[10] ~= '' then redis.call('HSET', KEYS[2], 's', ARGV[10]) end
redis.call('HDEL', KEYS[2], 'w', 'l')
if ARGV[11] ~= '' then redis.call('HSET', KEYS[2], 'w', ARGV[11]) end
noteSeen(KEYS[2], row[6], ARGV[13])
trace(ARGV[15], row[1], ARGV[3], ARGV[14], '')
return {now, 1, row[7]}
`);

/** KEYS[2] row. ARGV: session, generation, sealed origin or '', context. Returns the time and whether it lives. */
export const keepSessionScript = script(`${shared}${seen}
local row = redis.call('HMGET', KEYS[2], 'u', 'g', 'x', 'i', 'a', 'p')
if not isAlive(row[3], row[4], row[5]) or tonumber(row[2]) ~= tonumber(ARGV[4]) then return {now, 0} end
local last = tonumber(row[6])
if now - last >= ${lastSeenGrainMs} then noteSeen(KEYS[2], last, ARGV[5]) end
trace('session.refreshed', row[1], ARGV[3], ARGV[6], '')
return {now, 1}
`);

/** KEYS[2] row. ARGV: generation, attempt, overlap, longest list in characters. */
export const recordLoserScript = script(`${shared}
local row = redis.call('HMGET', KEYS[2], 'g', 'x', 't', 'l')
if not row[1] or row[2] or tonumber(row[1]) ~= tonumber(ARGV[3]) then return 0 end
if tonumber(row[3]) + tonumber(ARGV[5]) <= now then return 0 end
local losers = (row[4] or '') .. ARGV[4]
if #losers > tonumber(ARGV[6]) then return 0 end
redis.call('HSET', KEYS[2], 'l', losers)
return 1
`);

/**
 * KEYS[2] row. ARGV: presented generation, overlap. Returns whether the row bears a verdict of reuse out. Whatever rotates it afterwards
 * makes the presented generation older still: it is not too late to end the session for it.
 */
export const isReusedScript = script(`${shared}
local row = redis.call('HMGET', KEYS[2], 'g', 'x', 't')
if not row[1] or row[2] then return 0 end
local behind = tonumber(row[1]) - tonumber(ARGV[3])
local late = tonumber(row[3]) + tonumber(ARGV[4]) <= now
if behind > 1 or (behind == 1 and late) then return 1 end
return 0
`);

/** ARGV: session id and cause of each. */
export const markEndedScript = script(`${shared}
for at = 3, #ARGV, 2 do
  local id = ARGV[at]
  local row = redis.call('HMGET', rowKey(id), 'u', 'x', 'D')
  if row[1] and not row[2] then
    redis.call('HSET', rowKey(id), 'x', now, 'z', ARGV[at + 1])
    -- From where it was last seen nobody asks any more.
    redis.call('HDEL', rowKey(id), 'o')
    redis.call('ZREM', shard .. 'user:' .. row[1], id)
    if row[3] then redis.call('ZREM', shard .. 'device:' .. row[3], id) end
  end
end
return 1
`);

/** KEYS[2] the user's index. Returns id and absolute expiry of each session that has not been revoked. */
export const sessionsOfUserScript = script(`${shared}
local found = {}
for _, id in ipairs(redis.call('ZREVRANGE', KEYS[2], 0, -1)) do
  local row = redis.call('HMGET', rowKey(id), 'x', 'a')
  if row[2] and not row[1] then
    table.insert(found, id)
    table.insert(found, row[2])
  end
end
return found
`);

/** KEYS[2] the user's index. ARGV: epoch, limit. Returns id and row of each session that lives, newest first. */
export const listSessionsScript = script(`${shared}
local found = {}
local limit = tonumber(ARGV[4])
for _, id in ipairs(redis.call('ZREVRANGE', KEYS[2], 0, -1)) do
  if limit == 0 then break end
  local row = redis.call('HMGET', rowKey(id), 'x', 'i', 'a', 'e')
  if isAlive(row[1], row[2], row[3]) and row[4] == ARGV[3] then
    table.insert(found, id)
    table.insert(found, redis.call('HGETALL', rowKey(id)))
    limit = limit - 1
  end
end
return found
`);

/** KEYS[2] row. ARGV: from, to. */
export const adoptEpochScript = script(`${shared}
local row = redis.call('HMGET', KEYS[2], 'e', 'x', 'i', 'a')
if not isAlive(row[2], row[3], row[4]) or row[1] ~= ARGV[3] then return 0 end
redis.call('HSET', KEYS[2], 'e', ARGV[4])
return 1
`);

/** KEYS[2] row. ARGV: rotation id. */
export const settleRotationScript = script(`${shared}
local row = redis.call('HMGET', KEYS[2], 'n', 'x')
if row[2] or row[1] ~= ARGV[3] then return 0 end
redis.call('HSET', KEYS[2], 't', now)
return 1
`);

/**
 * KEYS[2] the user's index. ARGV: user. Takes the sessions that have not been marked as ended (of the others nothing personal is left), and
 * address and agent out of effects that wait for their drain: those are written anew, since a stream changes no entry.
 */
export const forgetUserScript = script(`${shared}
for _, id in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  local device = redis.call('HGET', rowKey(id), 'D')
  if device then redis.call('ZREM', shard .. 'device:' .. device, id) end
  redis.call('DEL', rowKey(id))
end
redis.call('DEL', KEYS[2])
for _, entry in ipairs(redis.call('XRANGE', stream, '-', '+')) do
  local members = {}
  for at = 1, #entry[2], 2 do members[entry[2][at]] = at + 1 end
  local context = cjson.decode(entry[2][members.c])
  if entry[2][members.u] == ARGV[3] and (context.address or context.userAgent) then
    entry[2][members.c] = cjson.encode({requestId = context.requestId, actor = context.actor})
    redis.call('XADD', stream, '*', unpack(entry[2]))
    redis.call('XDEL', stream, entry[1])
  end
end
return 1
`);
