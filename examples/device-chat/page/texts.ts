/** Codes in plain words. The servers' codes are stable; what a person reads is the page's own. */
import { ApiError, NetworkError, type SignedOutCause } from '@sallyport/client';

export interface Why {
  readonly text: string;
  /** What there is to do, or to know. */
  readonly advice: string;
}

const nothingToDo = 'Your messages are kept. Log in to go on.';
const ifNotYou = 'If that was not you, log in, look through your devices and end what you do not know.';

const reasons: Readonly<Record<SignedOutCause, Why>> = {
  signed_out: { text: '', advice: '' },
  no_session: { text: '', advice: '' },
  signed_out_elsewhere: {
    text: 'You logged out in another tab of this browser. That ends the chat in all of them.',
    advice: nothingToDo,
  },
  signed_in_elsewhere: {
    text: 'Somebody logged in in another tab of this browser. One browser has one login at a time.',
    advice: nothingToDo,
  },
  session_revoked: {
    text: 'This login was ended from elsewhere: you, or somebody who is logged in as you, revoked this device, ended this session, or logged in on it anew.',
    advice: ifNotYou,
  },
  refresh_expired: {
    text: 'It has been a while: a login ends by itself after 30 days.',
    advice: nothingToDo,
  },
  refresh_invalid: {
    text: 'The server does not know this login any more.',
    advice: nothingToDo,
  },
  refresh_reused: {
    text: 'An old copy of your login was used. That is what a theft looks like, so this login was ended at once.',
    advice: 'If you have not restored a backup of this browser, change your password.',
  },
  session_lost: {
    text: 'The server has lost this login, for example because an older state of it was restored.',
    advice: nothingToDo,
  },
  proof_required: {
    text: 'This login is bound to a key of this browser, and the browser could not show it: the key is gone, or its clock is off.',
    advice:
      'Look at the clock of this device. If that is right, log in, and register the device anew where you are asked to.',
  },
  user_unknown: { text: 'The account does not exist any more.', advice: 'Its messages stay in their rooms.' },
};

/** Why somebody was signed out. Undefined: they know, or never were in. */
export const whySignedOut = (cause: SignedOutCause): Why | undefined =>
  reasons[cause].text === '' ? undefined : reasons[cause];

const problems: Readonly<Record<string, string>> = {
  credentials_invalid: 'User name and password do not fit together.',
  field_missing: 'Please fill this in.',
  field_invalid: 'This does not look right.',
  username_unseen: 'This name holds characters that nobody can see.',
  password_too_short: 'This password is too short: 8 characters at least.',
  password_too_long: 'This password is too long.',
  password_weak: 'This password is too easy to guess.',
  password_common: 'This is one of the passwords that everybody tries first.',
  password_breached: 'This password is known from a data leak.',
  permission_denied: 'You are not in this room any more.',
  not_found: 'There is no such room.',
  quota_reached: 'You are in as many rooms as anybody can be. Leave one first.',
  device_unknown: 'This device has been revoked already.',
  session_unknown: 'This session has ended already.',
  proof_invalid: 'The clock of this device seems to be off. Set it right and try again.',
  origin_refused: 'The server does not know this page. Open it under the address that it was started with.',
};

/** Any failure of a call as one sentence. */
export const problemText = (error: unknown): string => {
  if (error instanceof NetworkError) return 'No answer from the server. Check your connection and try again.';
  if (!(error instanceof ApiError)) return 'Something went wrong. Please try again.';
  if (error.status === 429 || error.status === 503) {
    const wait = error.retryAfterSeconds;
    return `Too many tries at the moment. Please try again in ${wait === undefined ? 'a while' : waitText(wait)}.`;
  }
  return problems[error.code ?? ''] ?? error.message;
};

const waitText = (seconds: number): string => {
  if (seconds <= 1) return 'a second';
  if (seconds < 90) return `${Math.round(seconds)} seconds`;
  return `${Math.ceil(seconds / 60)} minutes`;
};
