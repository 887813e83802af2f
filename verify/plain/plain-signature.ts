/**
 * The plain signature: `X-Gateway-Signature` = hex HMAC-SHA-256(GATEWAY_SECRET, `<id>:<email>`), over both as they stand in their
 * headers. It never expires, covers neither method nor target nor roles, and every service that checks it could make it: it is for
 * services on their way to the assertion. What is not signed is never read here: such a caller has no roles and no permissions.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { identityHeaders } from '@sallyport/contract';
import { isSafeName, isSafeText } from '../access/safe-text.ts';
import { type Identity, identityOfPlain } from '../guard/identity.ts';

export type PlainReason =
  | 'plain_absent'
  | 'plain_incomplete'
  | 'plain_ambiguous'
  | 'plain_malformed'
  | 'plain_signature';

export type PlainVerification =
  | { readonly ok: true; readonly identity: Identity }
  | { readonly ok: false; readonly code: 'assertion_missing' | 'assertion_invalid'; readonly reason: PlainReason };

/** @param values every line of a header, by its lower-case name */
export type PlainVerifier = (values: (name: string) => readonly string[]) => PlainVerification;

const minimumSecretBytes = 32;
const signatureForm = /^[0-9a-f]{64}$/;
/** How the gateway writes a claim as a header: printable ASCII without space, all else percent-encoded as UTF-8. */
const headerForm = /^[\x21-\x7e]{1,1024}$/;

const refuse = (reason: PlainReason): PlainVerification & { readonly ok: false } =>
  Object.freeze({ ok: false, code: reason === 'plain_absent' ? 'assertion_missing' : 'assertion_invalid', reason });

const decoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
};

const checkSecrets = (secrets: readonly string[]): readonly string[] => {
  if (secrets.length === 0) throw new TypeError('No plain secret given');
  if (secrets.some((secret) => Buffer.byteLength(secret) < minimumSecretBytes)) {
    throw new TypeError(`A plain secret has fewer than ${minimumSecretBytes} bytes`);
  }
  return Object.freeze([...secrets]);
};

/**
 * @param given GATEWAY_SECRET; while it is exchanged, the one before it too
 * @throws TypeError for an empty list or a secret under 32 bytes
 */
export const createPlainVerifier = (given: readonly string[]): PlainVerifier => {
  const secrets = checkSecrets(given);
  const isSigned = (text: string, signature: Buffer): boolean =>
    secrets.some((secret) => timingSafeEqual(createHmac('sha256', secret).update(text).digest(), signature));

  return (values) => {
    const [signatures, ids, emails] = [
      identityHeaders.signature,
      identityHeaders.userId,
      identityHeaders.userEmail,
    ].map(values) as [readonly string[], readonly string[], readonly string[]];
    const [[signature], [id], [email = '']] = [signatures, ids, emails];
    if (signature === undefined) return refuse('plain_absent');
    if (id === undefined) return refuse('plain_incomplete');
    // Which of two lines was signed, and where a text with two colons is to be cut, are not for us to guess.
    if (signatures.length > 1 || ids.length > 1 || emails.length > 1 || id.includes(':'))
      return refuse('plain_ambiguous');
    if (!signatureForm.test(signature) || !headerForm.test(id) || (email !== '' && !headerForm.test(email))) {
      return refuse('plain_malformed');
    }
    if (!isSigned(`${id}:${email}`, Buffer.from(signature, 'hex'))) return refuse('plain_signature');
    const [userId, userEmail] = [decoded(id), decoded(email)];
    if (!isSafeName(userId) || !isSafeText(userEmail)) return refuse('plain_malformed');
    return Object.freeze({ ok: true, identity: identityOfPlain(userId, userEmail === '' ? undefined : userEmail) });
  };
};
