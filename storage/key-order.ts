/** Behind every key with a given prefix in the order of code points, which UTF-8 keeps (RFC 3629 §1). */
export const lastCodePoint = '\u{10ffff}';
