/** C0, DEL and C1 (Unicode category Cc): text with one of these could end a header line or a log line. */
const controls = /\p{Cc}/u;

/** True for text that can become a header value or a log field: no control character, no half of a surrogate pair. */
export const isSafeText = (value: unknown): value is string =>
  typeof value === 'string' && !controls.test(value) && value.isWellFormed();

/** As `isSafeText`, and not empty: an identifier. */
export const isSafeName = (value: unknown): value is string => isSafeText(value) && value.length > 0;
