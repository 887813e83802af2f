/** Printable ASCII without space: what a header value carries unharmed through every server. */
const plain = /^[\x21-\x24\x26-\x7e]*$/;

/**
 * A claim as header value. Printable ASCII stays as it is; a text with anything else (letters beyond ASCII, white space, `%`)
 * is percent-encoded as UTF-8 in those characters, so that it can be decoded, and so that no claim ends a header line.
 */
export const headerText = (claim: string): string =>
  plain.test(claim)
    ? claim
    : claim.replaceAll(/[^\x21-\x24\x26-\x7e]+/gu, (characters) => encodeURIComponent(characters.toWellFormed()));
