/** Why a hash of another system is not taken. */
export const hashReasons = {
  unknown: 'it is none of bcrypt, Argon2, PBKDF2 and scrypt in a known form',
  malformed: 'it is not well formed',
  too_costly: 'verifying it would take too much memory or time',
} as const;
