/**
 * The gateway's settings by topic, as `config.ts` puts them together. Each file holds names, defaults, bounds and words of one topic;
 * never: reads an environment, or asks about more than one setting at a time.
 */
import { choiceSetting, integerSetting, textSetting } from '@sallyport/kit/config';
import { redisSettings } from '@sallyport/storage/redis/settings';

/** How often, counted where, and by how many threads. */
export const limitSettings = {
  floodLimitPerMinute: integerSetting({
    env: 'FLOOD_LIMIT_PER_MINUTE',
    min: 0,
    max: 60_000_000,
    default: 0,
    doc: 'Requests a minute from one address (IPv6: one /64); everything counts. 0: no limit.',
  }),
  floodLimitBurst: integerSetting({
    env: 'FLOOD_LIMIT_BURST',
    min: 1,
    max: 1_000_000,
    default: 10,
    doc: 'Requests that may come at once before the rate holds.',
  }),
  limitsMode: choiceSetting({
    env: 'LIMITS_MODE',
    values: ['local', 'agreed', 'exact'],
    optional: true,
    doc: 'Who counts requests: each gateway by itself, all together in the background, or Redis at each request. Default: `agreed` where Redis is set, else `local`.',
  }),
  ...redisSettings('limits that gateways share'),
  workers: textSetting({
    env: 'GATEWAY_WORKERS',
    pattern: /^(?:auto|[1-9]|[1-5]\d|6[0-4])$/,
    default: '1',
    doc: 'Threads that serve the public port, 1 to 64, or `auto`: one for each core. More than one needs a system that shares a port (Linux, FreeBSD).',
  }),
};
