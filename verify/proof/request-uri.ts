/**
 * The URI of a request as a proof names it (`htu`), in one spelling. RFC 9449 §4.3: "ignoring any query and fragment parts", after
 * syntax-based and scheme-based normalisation (RFC 3986 §6.2.2, §6.2.3).
 */

/** Unreserved characters need no encoding (RFC 3986 §6.2.2.2), and hex digits are upper-case (§6.2.2.1). */
const normaliseEncoding = (path: string): string =>
  path.replaceAll(/%([0-9a-f]{2})/gi, (encoded, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16));
    return /[A-Za-z0-9\-._~]/.test(character) ? character : encoded.toUpperCase();
  });

/** Undefined: no absolute `http:` or `https:` URI, or one with credentials in it. */
export const normaliseUri = (text: string): string | undefined => {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return undefined;
  if (url.username !== '' || url.password !== '') return undefined;
  // Dot segments that were encoded are dots only after this.
  return `${url.origin}${new URL(url.origin + normaliseEncoding(url.pathname)).pathname}`;
};

/**
 * Where clients find a server: an origin, and the path in front of it that a proxy has cut off.
 * @throws TypeError for anything else
 */
export const publicUrlOf = (text: string): string => {
  const url = URL.parse(text);
  const isPlain = url !== null && url.search === '' && url.hash === '' && !/[?#]/.test(text);
  const normal = isPlain ? normaliseUri(text) : undefined;
  if (normal === undefined) throw new TypeError('publicUrl is an http(s) URL without query, fragment and credentials');
  return normal.replace(/\/+$/, '');
};

/** The URI that clients see of a request. @param target path and query as received */
export const requestUri = (publicUrl: string, target: string): string => {
  const query = target.indexOf('?');
  return `${publicUrl}${query < 0 ? target : target.slice(0, query)}`;
};

/** @param given as the proof names it @param expected by `requestUri` */
export const isSameUri = (given: string, expected: string): boolean => {
  if (given === expected) return true;
  const normal = normaliseUri(given);
  return normal !== undefined && normal === normaliseUri(expected);
};
