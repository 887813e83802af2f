/** Members that several bodies and answers have, and the bounds of what people may write into them. */
import { Type } from 'typebox';

export const closed = { additionalProperties: false } as const;
export const secret = { secret: true } as const;

export const limits = {
  emailLength: 255,
  nameLength: 100,
  usernameLength: 64,
  phoneLength: 32,
  urlLength: 500,
  /** Characters of a password that are looked at before anything is hashed; a longer one is refused. */
  passwordLength: 1024,
  refreshTokenLength: 255,
  deviceNameLength: 100,
  deviceInfoLength: 500,
  bodyBytes: 16_384,
} as const;

/**
 * A lone surrogate (category Cs) has no UTF-8 form: stored or hashed, all of them become one and the same replacement character,
 * so two passwords or names would be one.
 */
export const wellFormed = { pattern: '^\\P{Cs}*$' } as const;
/** What is shown to people and put into headers, logs and mails: no control characters either. */
export const oneLine = { pattern: '^[^\\p{Cc}\\p{Cs}]*$' } as const;
const nameText = { ...oneLine, maxLength: limits.nameLength } as const;

/** Fields that a registration may take; a preset says which, and which of them are required. */
export const profileFields = {
  name: Type.String(nameText),
  first_name: Type.String(nameText),
  last_name: Type.String(nameText),
  display_name: Type.String(nameText),
  phone_number: Type.String({ ...oneLine, maxLength: limits.phoneLength, secret: true }),
} as const;
export type ProfileField = keyof typeof profileFields;

export const password = Type.String({ ...wellFormed, maxLength: limits.passwordLength, secret: true });
