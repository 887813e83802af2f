/** The settings that name a Redis, the same for every server that uses one. Loads no client: whoever has none pays for none. */
import { choiceSetting, type SettingProblem, textSetting, urlSetting } from '@sallyport/kit/config';

export const redisSettings = (use: string) => ({
  redisUrl: urlSetting({
    env: 'REDIS_URL',
    protocols: ['redis:', 'rediss:'],
    secret: true,
    optional: true,
    doc: `Redis for ${use}; \`rediss:\` for TLS. Its maxmemory-policy has to be noeviction.`,
  }),
  redisAddr: textSetting({
    env: 'REDIS_ADDR',
    pattern: /^(?:[A-Za-z0-9.-]{1,255}|\[[0-9A-Fa-f:]{2,45}\]):\d{1,5}$/,
    optional: true,
    doc: 'The same as `host:port`, with REDIS_PASSWORD.',
  }),
  redisPassword: textSetting({
    env: 'REDIS_PASSWORD',
    secret: true,
    optional: true,
    doc: 'Password of the Redis at REDIS_ADDR.',
  }),
});

/** The issuer's alone. */
export const redisRoleSetting = {
  redisRole: choiceSetting({
    env: 'REDIS_ROLE',
    values: ['store', 'cache'],
    default: 'store',
    doc: '`store`: sessions, nonces and attempts stand in Redis. `cache`: they stand in SQL, and Redis only has a note of each login of a device, without which logins go on.',
  }),
};

export interface RedisAddress {
  readonly redisUrl?: string | undefined;
  readonly redisAddr?: string | undefined;
  readonly redisPassword?: string | undefined;
}

export const redisProblems = ({ redisUrl, redisAddr, redisPassword }: RedisAddress): readonly SettingProblem[] => [
  ...(redisUrl !== undefined && redisAddr !== undefined
    ? [{ setting: 'REDIS_ADDR', problem: 'is set beside REDIS_URL: remove one' }]
    : []),
  ...(redisPassword !== undefined && redisAddr === undefined
    ? [{ setting: 'REDIS_PASSWORD', problem: 'belongs to REDIS_ADDR, which is not set' }]
    : []),
];

/** The URL that the settings name, and the setting that names it; undefined where none does. */
export const redisPlace = ({
  redisUrl,
  redisAddr,
  redisPassword,
}: RedisAddress): { readonly url: string; readonly setting: 'REDIS_URL' | 'REDIS_ADDR' } | undefined => {
  if (redisUrl !== undefined) return { url: redisUrl, setting: 'REDIS_URL' };
  if (redisAddr === undefined) return undefined;
  const url = new URL(`redis://${redisAddr}`);
  if (redisPassword !== undefined) url.password = encodeURIComponent(redisPassword);
  return { url: url.href, setting: 'REDIS_ADDR' };
};
