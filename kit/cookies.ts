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
    if (equals > 0 && pair.slice(0, equals).trim() === name) values.push(pair.slice(equals + 1).trim());
  }
  return values;
};
