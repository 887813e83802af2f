import { script } from './script.ts';

/**
 * One key holds one number: the theoretical arrival time in microseconds since 1970, by the clock of Redis, so that no node's clock
 * counts. It is written with `%.0f`, since Lua would shorten it to fourteen digits. A counter that owes nothing expires.
 */
const arrivalOfKey = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local arrival = tonumber(redis.call('GET', KEYS[1]) or '0')
if arrival < now then arrival = now end
`;

const write = `
redis.call('SET', KEYS[1], string.format('%.0f', arrival), 'PX', string.format('%.0f', math.ceil((arrival - now) / 1000) + 1))
`;

/**
 * ARGV: interval, tolerance, both in microseconds. Returns wait and ahead in microseconds. A clock that was set back cannot leave a
 * counter further ahead than the limit itself can.
 */
export const takeScript = script(`${arrivalOfKey}
local interval = tonumber(ARGV[1])
local tolerance = tonumber(ARGV[2])
if arrival > now + tolerance + interval then arrival = now + tolerance + interval end
local wait = arrival - tolerance - now
if wait > 0 then return {wait, arrival - now} end
arrival = arrival + interval
${write}
return {0, arrival - now}
`);

/** ARGV: interval, count, longest ahead; times in microseconds. Returns ahead in microseconds. */
export const spendScript = script(`${arrivalOfKey}
arrival = math.min(arrival + tonumber(ARGV[1]) * tonumber(ARGV[2]), now + tonumber(ARGV[3]))
${write}
return arrival - now
`);
