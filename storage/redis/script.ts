import { createHash } from 'node:crypto';

/** A script by its text and the digest that Redis knows it by. */
export interface Script {
  readonly text: string;
  readonly sha1: string;
}

export const script = (text: string): Script =>
  Object.freeze({ text, sha1: createHash('sha1').update(text).digest('hex') });

/** The clock of Redis in milliseconds; ARGV[1] moves it, in tests alone. */
export const storeClock = `
local offset = tonumber(ARGV[1])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) + offset
`;
