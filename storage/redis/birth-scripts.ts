import { script, storeClock } from './script.ts';

/**
 * The birth mark, a hash: `incarnation` (random, at the first use), `run` (the process that Redis was then), `since` (nonces of things
 * made earlier are not known). A Redis that was started anew may have lost what it was told last, also where it found most of it: only
 * nonces, which nobody can ask for, make that dangerous, and they live for minutes.
 */
const birth = `
local function mark(run, drawn)
  if redis.call('EXISTS', KEYS[1]) == 0 then
    redis.call('HSET', KEYS[1], 'incarnation', drawn, 'run', run, 'since', now)
  end
end
`;

/** KEYS[1] the mark. ARGV: offset, run id, a random incarnation. Returns the incarnation, whether another process made the mark, and the time. */
export const greetScript = script(`${storeClock}${birth}
mark(ARGV[2], ARGV[3])
local restarted = redis.call('HGET', KEYS[1], 'run') ~= ARGV[2]
if restarted then redis.call('HSET', KEYS[1], 'run', ARGV[2], 'since', now) end
return {redis.call('HGET', KEYS[1], 'incarnation'), restarted and 1 or 0, now}
`);

/**
 * KEYS[1] the mark, KEYS[2] the nonce. ARGV: offset, run id, a random incarnation, made at, expires at. Returns 1 where it was spent now,
 * 0 where before, -1 where nobody knows; and the incarnation.
 */
export const consumeNonceScript = script(`${storeClock}${birth}
mark(ARGV[2], ARGV[3])
local born = redis.call('HMGET', KEYS[1], 'since', 'incarnation')
if tonumber(ARGV[4]) < tonumber(born[1]) then return {-1, born[2]} end
local lasting = tonumber(ARGV[5]) - now
if lasting <= 0 then return {0, born[2]} end
local spent = redis.call('SET', KEYS[2], '1', 'NX', 'PX', string.format('%.0f', lasting))
return {spent and 1 or 0, born[2]}
`);
