import { InvalidArgumentError } from 'commander';

const unitSeconds: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 86_400 };
const longestSeconds = 10 * 365 * 86_400;

/** `90d`, `12h` or `30m`, in seconds. A bare number would be read as one unit by one person and as another by the next. */
export const readLifetime = (text: string): number => {
  const [, count = '', unit = ''] = /^([1-9]\d{0,5})([mhd])$/.exec(text) ?? [];
  const seconds = Number(count) * (unitSeconds[unit] ?? 0);
  if (seconds === 0 || seconds > longestSeconds)
    throw new InvalidArgumentError('90d, 12h or 30m is expected, ten years at most');
  return seconds;
};
