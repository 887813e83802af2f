/** Days (`2026-11-22`) and months (`2026-11`) of the user's own calendar: texts, so that no time zone can move them. */

const two = (value: number): string => String(value).padStart(2, '0');

export const dayOf = (date: Date): string => `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;

export const monthOf = (day: string): string => day.slice(0, 7);

export const addMonths = (month: string, count: number): string => {
  const [year = 0, number = 1] = month.split('-').map(Number);
  const months = year * 12 + (number - 1) + count;
  return `${Math.floor(months / 12)}-${two((months % 12) + 1)}`;
};

/** Noon in UTC, written in UTC: the day stays the day. */
const noon = (day: string): Date => new Date(`${day}T12:00:00Z`);

export const monthName = (month: string, locale?: string): string =>
  new Intl.DateTimeFormat(locale, { month: 'long', year: 'numeric', timeZone: 'UTC' }).format(noon(`${month}-01`));

export const dayName = (day: string, locale?: string): string =>
  new Intl.DateTimeFormat(locale, { weekday: 'short', day: 'numeric', month: 'short', timeZone: 'UTC' }).format(
    noon(day),
  );
