/**
 * Reading cookies without guessing: all values that were sent under one name, so that a doubled cookie can be refused instead of
 * one of the two being believed (RFC 6265 §4.2.2: "Servers SHOULD NOT rely upon the order in which these cookies appear").
 * Never: decodes a value, or sets a cookie.
 */

/** Values sent under `name` in one or more `Cookie` headers, in order. Quotes around a value are part of it. */
export const cookieValues = (header: string | readonly string[] | undefined, name: string): readonly string[] => {
  if (header === undefined) return [];
  const text = typeof header === 'string' ? header : header.join(';');
  if (!text.includes(name)) return [];
  const values: string[] = [];
  for (const pair of text.split(';')) {
    const equals = pair.indexOf('=');
    if (equals > 0 && trim(pair.slice(0, equals)) === name) values.push(trim(pair.slice(equals + 1)));
  }
  return values;
};

/**
 * OWS alone (RFC 9110 §5.6.3). `String.trim` would drop a no-break space too: a cookie named with one in front escapes the rules
 * that browsers have for the prefix `__Host-`, and would be taken for the real one here.
 */
const trim = (text: string): string => {
  // By hand: the expression for it takes quadratic time on a header full of spaces.
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
};

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09;
