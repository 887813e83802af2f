/** Amounts are whole numbers of the currency's minor unit: 1250 is 12.50. A sum of them is exact, which one of fractions is not. */
export const currency = 'EUR';

const fractionDigits = (of: string): number =>
  new Intl.NumberFormat('en', { style: 'currency', currency: of }).resolvedOptions().maximumFractionDigits ?? 2;

/** As the reader's language writes it. `locale` undefined: the browser's. */
export const formatMoney = (minor: number, of: string = currency, locale?: string): string =>
  new Intl.NumberFormat(locale, { style: 'currency', currency: of }).format(minor / 10 ** fractionDigits(of));

/** Plain, grouped by commas, grouped by points: the last sign of another kind is the decimal one. */
const forms = [
  /^(\d+)(?:[.,](\d{1,2}))?$/,
  /^(\d{1,3}(?:,\d{3})+)(?:\.(\d{1,2}))?$/,
  /^(\d{1,3}(?:\.\d{3})+)(?:,(\d{1,2}))?$/,
];

/**
 * What a person typed as minor units: `12`, `12.5`, `12,50`, `1 234,56`, `1,234.56`. Undefined where it is no amount, or has more digits
 * than the currency.
 */
export const parseMoney = (text: string, of: string = currency): number | undefined => {
  const digits = fractionDigits(of);
  const compact = text.replaceAll(/[\s'’]/g, '');
  const [, whole = '', fraction = ''] = forms.map((form) => form.exec(compact)).find((found) => found !== null) ?? [];
  if (whole === '' || fraction.length > digits) return undefined;
  const minor = Number(whole.replaceAll(/[.,]/g, '') + fraction.padEnd(digits, '0'));
  return Number.isSafeInteger(minor) && minor > 0 ? minor : undefined;
};
