/**
 * The key under which an e-mail address or user name is unique: NFKC, lower case, punycode domain. The spelling given is kept
 * beside it. Computed here and never by a database, whose collations differ.
 */
import { domainToASCII } from 'node:url';

/**
 * NFKC and lower case, whichever of the two makes something of the other: `Ϊ` with an accent has no letter of its own, and `ϊ` with it has. So
 * what is folded once is folded for good, and no two accounts are spelled with the same letters.
 */
export const foldText = (text: string): string => text.normalize('NFKC').toLowerCase().normalize('NFKC');

const controlOrSpace = /[\p{Cc}\p{Zs}\p{Zl}\p{Zp}]/u;
const longestLocalPart = 64;

/** Undefined: not an address that mail could be sent to. Accepts what RFC 5321 §4.1.2 calls a dot-string, and UTF-8 (RFC 6531). */
export const emailKey = (email: string): string | undefined => {
  const normal = foldText(email);
  const at = normal.lastIndexOf('@');
  const local = normal.slice(0, at);
  if (at < 1 || Buffer.byteLength(local) > longestLocalPart || controlOrSpace.test(normal)) return undefined;
  if (/["(),:;<>@[\\\]]/.test(local) || local.startsWith('.') || local.endsWith('.') || local.includes('..'))
    return undefined;
  const domain = domainToASCII(normal.slice(at + 1));
  return isMailDomain(domain) ? `${local}@${domain}` : undefined;
};

/** Labels of letters, digits and inner hyphens (RFC 1035 §2.3.1); at least two of them, or `localhost`. */
const isMailDomain = (domain: string): boolean =>
  domain.length <= 253 &&
  (domain === 'localhost' ||
    /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(domain));

/**
 * Whether a text holds what nobody sees: format characters (UAX 31 §2.3), fillers, private use, halves of a character. Two names that differ in
 * them alone look the same and are two accounts, so none is given to a new one. An account that has such a name logs in as before.
 */
export const holdsUnseen = (text: string): boolean => unseen.test(text) || unseen.test(text.normalize('NFKC'));

/** U+2800 is the one blank that Unicode counts among the symbols. */
const unseen = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/u;

/** Undefined: empty, or holds a colon, white space or a control character. */
export const usernameKey = (username: string): string | undefined => {
  const normal = foldText(username);
  return normal === '' || normal.includes(':') || controlOrSpace.test(normal) ? undefined : normal;
};
