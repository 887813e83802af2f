/** Codes in plain words. The servers' codes are stable; what a person reads is the page's own. */
import { ApiError, NetworkError, type SignedOutCause } from '@sallyport/client';

const signedOut: Readonly<Record<SignedOutCause, string>> = {
  signed_out: 'You have logged out.',
  signed_out_elsewhere: 'You have been logged out here, because you logged out in another tab.',
  signed_in_elsewhere: 'Somebody logged in in another tab; this one now shows that account.',
  no_session: '',
  refresh_invalid: 'Please log in again: your login is not valid any more.',
  refresh_expired: 'Please log in again: you have not been here for a while.',
  refresh_reused:
    'You have been logged out for safety, because an old copy of your login was used. If that was not you, change your password.',
  session_revoked: 'You have been logged out, because this session was ended from elsewhere.',
  session_lost: 'Please log in again: the server has lost this session.',
  proof_required: 'Please log in again: this session is bound to another device.',
  user_unknown: 'You have been logged out, because the account no longer exists.',
};

export const signedOutText = (cause: SignedOutCause): string => signedOut[cause];

const problems: Readonly<Record<string, string>> = {
  credentials_invalid: 'E-mail and password do not fit together.',
  account_exists: 'There is an account with this e-mail already.',
  email_invalid: 'This is not an e-mail address.',
  field_missing: 'Please fill this in.',
  field_invalid: 'This does not look right.',
  password_too_short: 'This password is too short.',
  password_too_long: 'This password is too long.',
  password_weak: 'This password is too easy to guess.',
  password_common: 'This is one of the passwords that everybody tries first.',
  password_personal: 'This password holds your name or e-mail.',
  password_breached: 'This password is known from a data leak.',
  origin_refused: 'The server does not know this page. Open it under the address that it was started with.',
};

/** Any failure of a call as one sentence. */
export const problemText = (error: unknown): string => {
  if (error instanceof NetworkError) return 'The server does not answer. Please try again.';
  if (!(error instanceof ApiError)) return 'Something went wrong. Please try again.';
  if (error.status === 429 || error.status === 503) {
    const wait = error.retryAfterSeconds;
    return `Too many tries at the moment. Please try again in ${wait === undefined ? 'a while' : seconds(wait)}.`;
  }
  return problems[error.code ?? ''] ?? error.message;
};

const seconds = (count: number): string => (count <= 1 ? 'a second' : `${count} seconds`);
