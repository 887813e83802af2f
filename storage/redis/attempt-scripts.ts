/**
 * Attempts: the same counting as in every driver (`contracts/counters.ts`), by the clock of Redis. All of a realm's stand in one slot, so
 * that one script can take a place at several gates or at none. ARGV[1] is the clock's offset.
 */
import { script, storeClock } from './script.ts';

/** A row of failures is forgotten when its subject has been quiet for this long. */
const memoryMs = 86_400_000;

/** KEYS[1], a list of times, oldest first. ARGV: limit, window. Returns whether it is allowed, what remains, and the reset. */
export const countAttemptScript = script(`${storeClock}
local key, limit, window = KEYS[1], tonumber(ARGV[2]), tonumber(ARGV[3])
while true do
  local oldest = redis.call('LINDEX', key, 0)
  if not oldest or tonumber(oldest) > now - window then break end
  redis.call('LPOP', key)
end
local count = redis.call('LLEN', key)
if count >= limit then
  local oldest = redis.call('LINDEX', key, -limit) or now
  return {0, 0, tonumber(oldest) + window}
end
redis.call('RPUSH', key, now)
redis.call('PEXPIRE', key, window)
return {1, limit - count - 1, now + window}
`);

/**
 * A gate is JSON that only these scripts read: failed f (times, oldest first), pending p (attempt id and end of the lease), failures in a
 * row n, locked until l, forgotten at e. ARGV from \`first\` on: limit, window, lock after (0: none), first and longest lock of each gate.
 * A lease that ran out counts as a failure at that moment: its node died with the verdict.
 */
const gates = (first: number): string => `${storeClock}
local function gateOf(at)
  local from = ${first} + (at - 1) * 5
  return {key = KEYS[at], limit = tonumber(ARGV[from]), window = tonumber(ARGV[from + 1]), after = tonumber(ARGV[from + 2]),
    first = tonumber(ARGV[from + 3]), longest = tonumber(ARGV[from + 4])}
end
local function countInWindow(gate, state, at)
  -- Without a limit nothing would ever bound the list.
  if gate.limit > 0 then table.insert(state.f, at) end
end
local function fail(gate, state, at)
  countInWindow(gate, state, at)
  state.n = state.n + 1
  if gate.after == 0 or state.n % gate.after ~= 0 then return end
  local locked = gate.first * 2 ^ (state.n / gate.after - 1)
  if locked > gate.longest then locked = gate.longest end
  state.l = at + locked
end
local function read(gate)
  local text = redis.call('GET', gate.key)
  local kept = text and cjson.decode(text)
  if not kept or kept.e <= now then return {f = {}, p = {}, n = 0, l = 0} end
  local state = {f = kept.f, p = {}, n = kept.n, l = kept.l}
  for _, place in ipairs(kept.p) do
    if place[2] > now then table.insert(state.p, place) else fail(gate, state, place[2]) end
  end
  local recent = {}
  for _, at in ipairs(state.f) do
    if at > now - gate.window then table.insert(recent, at) end
  end
  state.f = recent
  return state
end
local function write(gate, state)
  state.e = now + ${memoryMs}
  redis.call('SET', gate.key, cjson.encode(state), 'PX', ${memoryMs})
end
`;

/** ARGV: attempt id, lease, then the gates. Returns what the reservation is, and for a limited one when, limit and window. */
export const reserveAttemptScript = script(`${gates(4)}
local states = {}
local locked = false
for at = 1, #KEYS do
  local gate = gateOf(at)
  local state = read(gate)
  if gate.limit > 0 then
    local oldest = state.f[#state.f - gate.limit + 1]
    if oldest then return {'limited', oldest + gate.window, gate.limit, gate.window} end
    if #state.f + #state.p >= gate.limit then return {'wait'} end
  end
  if gate.after > 0 and state.l > now then locked = true end
  states[at] = state
end
for at = 1, #KEYS do
  table.insert(states[at].p, {ARGV[2], now + tonumber(ARGV[3])})
  write(gateOf(at), states[at])
end
if locked then return {'locked'} end
return {'granted'}
`);

/** ARGV: attempt id, outcome, then the gates. */
export const settleAttemptScript = script(`${gates(4)}
for at = 1, #KEYS do
  local gate = gateOf(at)
  local state = read(gate)
  for index, place in ipairs(state.p) do
    if place[1] == ARGV[2] then
      table.remove(state.p, index)
      if ARGV[3] == 'failed' then fail(gate, state, now) end
      if ARGV[3] == 'locked' then countInWindow(gate, state, now) end
      if ARGV[3] == 'succeeded' then state.n = 0 end
      write(gate, state)
      break
    end
  end
end
return 1
`);
