/** Times as people say them, in the reader's language and zone. */
const clock = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' });
const date = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', year: 'numeric' });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const ago = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });
const dayMs = 86_400_000;

export const clockText = (time: string): string => clock.format(new Date(time));
export const dateText = (time: string): string => date.format(new Date(time));

/** `Today`, `Yesterday`, or the day. */
export const dayText = (time: string, now: number): string => {
  const day = (ms: number): number => new Date(ms).setHours(0, 0, 0, 0);
  const days = Math.round((day(now) - day(Date.parse(time))) / dayMs);
  if (days < 0 || days > 1) return weekday.format(new Date(time));
  const text = ago.format(-days, 'day');
  return text.charAt(0).toUpperCase() + text.slice(1);
};

/** `now`, `5 minutes ago`, `yesterday`; after a month the date. */
export const agoText = (time: string, now: number): string => {
  const minutes = Math.max(0, Math.round((now - Date.parse(time)) / 60_000));
  if (minutes < 1) return 'just now';
  if (minutes < 60) return ago.format(-minutes, 'minute');
  const hours = Math.round(minutes / 60);
  if (hours < 24) return ago.format(-hours, 'hour');
  const days = Math.round(hours / 24);
  return days < 31 ? ago.format(-days, 'day') : dateText(time);
};
