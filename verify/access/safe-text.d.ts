/** True for text that can become a header value or a log field: no control character, no half of a surrogate pair. */
export declare const isSafeText: (value: unknown) => value is string;
/** As `isSafeText`, and not empty: an identifier. */
export declare const isSafeName: (value: unknown) => value is string;
