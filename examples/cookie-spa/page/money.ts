/** Amounts are whole numbers of the currency's minor unit: 1250 is 12.50. A sum of them is exact, which one of fractions is not. */
export const currency = 'EUR';

const fractionDigits = (of: string): number =>
  new Intl.NumberFormat('en', { style: 'currency', currency: of }).resolvedOptions().maximumFractionDigits ?? 2;

/** As the reader's language writes it. `locale` undefined: the browser's. */
export const formatMoney = (minor: number, of: string = currency, locale?: string): string =>
  new Intl.NumberFormat(locale, { style: 'currency', currency: of }).format(minor / 10 ** fractionDigits(of));

/**
 * What a person typed as minor units: `12`, `12.5`, `12,50`, `1 234,56`, `1,234.56`. Undefined where it is no amount, or has more digits
 * than the currency. The last point or comma with one or two digits behind it is the decimal one.
 */
export const parseMoney = (text: string, of: string = currency): number | undefined => {
  const digits = fractionDigits(of);
  const compact = text.replaceAll(/[\s\u00a0'’]/g, '');
  const [, whole = '', fraction = ''] = /^(\d{1,3}(?:[.,]?\d{3})*|\d+)(?:[.,](\d{1,2}))?$/.exec(compact) ?? [];
  if (whole === '' || fraction.length > digits) return undefined;
  const minor = Number(whole.replaceAll(/[.,]/g, '') + fraction.padEnd(digits, '0'));
  return Number.isSafeInteger(minor) && minor > 0 ? minor : undefined;
};
