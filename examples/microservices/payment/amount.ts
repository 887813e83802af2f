/** Money is counted in the currency's smallest unit: a sum of decimal fractions is not what people were charged. */

const currencies: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'));
const largestMinorUnits = 1e14;

/** True for the codes of ISO 4217. */
export const isCurrency = (code: string): boolean => currencies.has(code);

/** Digits behind the point by ISO 4217: 2 for EUR, 0 for JPY, 3 for KWD. `undefined`: no such currency. */
const fractionDigits = (currency: string): number | undefined =>
  isCurrency(currency)
    ? new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits
    : undefined;

/**
 * 12.34 EUR -> 1234. `undefined` where the currency is unknown, or the amount is not positive, too large, or finer than
 * the currency's smallest unit.
 */
export const toMinorUnits = (amount: number, currency: string): number | undefined => {
  const digits = fractionDigits(currency);
  if (digits === undefined) return undefined;
  const units = Math.round(amount * 10 ** digits);
  if (!(units > 0 && units <= largestMinorUnits)) return undefined;
  return fromMinorUnits(units, currency) === amount ? units : undefined;
};

/** 1234 EUR -> 12.34 */
export const fromMinorUnits = (units: number, currency: string): number =>
  Number((units / 10 ** (fractionDigits(currency) ?? 0)).toFixed(fractionDigits(currency) ?? 0));
