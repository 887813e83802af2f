import { createSetting, type Reading, type SettingMaker, type SettingOptions } from './config-setting.ts';
import { type DurationUnit, durationUnits } from './config-units.ts';

interface DurationOptions {
  /** The unit of the value, and of a bare number under the canonical name. */
  readonly unit: DurationUnit;
  /** Bounds in `unit`. Default: 0 to 100 years. */
  readonly min?: number;
  readonly max?: number;
}

const suffixMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const suffixed = /^(?:\d{1,12}(?:ms|s|m|h|d))+$/;
const bare = /^\d{1,15}$/;
const hundredYearsMs = 36_525 * 86_400_000;

/** A whole number of `unit`, written as `15m`, `1h30m`, `720h`, or a bare number in the unit of the name used. */
export const durationSetting: SettingMaker<number, DurationOptions> = (
  options: SettingOptions<number> & DurationOptions,
) => {
  const { unit, min = 0, max = hundredYearsMs / durationUnits[unit] } = options;
  const read = (text: string, alias: { readonly unit?: DurationUnit } | undefined): Reading<number> => {
    const ms = durationMs(text, alias?.unit ?? unit);
    if (ms === undefined)
      return { problem: `must be a duration such as 10s, 15m, 2h, or a bare number of ${alias?.unit ?? unit}` };
    const value = ms / durationUnits[unit];
    if (!Number.isSafeInteger(value)) return { problem: `must be whole ${unit}` };
    if (value < min || value > max) return { problem: `must lie between ${min} and ${max} ${unit}` };
    return { value };
  };
  return createSetting<number>(options, { kind: `duration (bare number: ${unit})`, read }, ['unit', 'min', 'max']);
};

const durationMs = (text: string, unit: DurationUnit): number | undefined => {
  if (bare.test(text)) return Number(text) * durationUnits[unit];
  if (!suffixed.test(text)) return undefined;
  const parts = [...text.matchAll(/(\d+)(ms|s|m|h|d)/g)];
  return parts.reduce((sum, [, count = '', suffix = '']) => sum + Number(count) * (suffixMs[suffix] ?? Number.NaN), 0);
};
