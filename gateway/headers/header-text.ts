/**
 * Header lines: which of a client's may reach a service, which of a service's may reach a client, and how a claim is written
 * as one. Names are always judged folded. Never: decides who calls, or joins two lines into one.
 */

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
