export interface RedisAddress {
  /** Wins over the two others. */
  readonly redisUrl?: string | undefined;
  /** `host:port`. */
  readonly redisAddr?: string | undefined;
  readonly redisPassword?: string | undefined;
}

/** The URL that the settings name, and the setting that names it; undefined where none does. */
export const redisUrl = ({
  redisUrl: url,
  redisAddr,
  redisPassword,
}: RedisAddress): { readonly url: string; readonly setting: 'REDIS_URL' | 'REDIS_ADDR' } | undefined => {
  if (url !== undefined) return { url, setting: 'REDIS_URL' };
  if (redisAddr === undefined) return undefined;
  const made = new URL(`redis://${redisAddr}`);
  if (redisPassword !== undefined) made.password = encodeURIComponent(redisPassword);
  return { url: made.href, setting: 'REDIS_ADDR' };
};
