import { feedbackOf } from './feedback.ts';
import type { PasswordRule } from './rule.ts';

export interface FormOptions {
  /** Code points. */
  readonly minLength: number;
  /** UTF-8 bytes that the present hash takes. */
  readonly maxBytes: number;
}

/** What can be said of a password by counting. */
export const createFormRule = ({ minLength, maxBytes }: FormOptions): PasswordRule => ({
  name: 'form',
  check: ({ password }) => {
    // For every hash, so that a later change to bcrypt, which cannot take it, locks nobody out.
    if (password.includes('\0')) return { code: 'password_invalid', feedback: feedbackOf('characters') };
    if (Array.from(password).length < minLength) {
      const params = { minimum: minLength };
      return { code: 'password_too_short', params, feedback: feedbackOf('tooShort', 'longer') };
    }
    if (Buffer.byteLength(password) > maxBytes) {
      const params = { limitBytes: maxBytes };
      return { code: 'password_too_long', params, feedback: feedbackOf('tooLong', 'shorter') };
    }
    return undefined;
  },
});
