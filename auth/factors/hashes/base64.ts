/** Standard base64 with or without padding. Undefined: another character, or bits behind the last byte, so that one value has one spelling. */
export const decodeBase64 = (text: string): Buffer | undefined => {
  const bare = text.replace(/={1,2}$/, '');
  const bytes = Buffer.from(bare, 'base64');
  return bytes.toString('base64').replaceAll('=', '') === bare ? bytes : undefined;
};

/** passlib's `ab64`: a full stop stands for the plus sign, and there is no padding. */
export const decodePasslibBase64 = (text: string): Buffer | undefined =>
  text.includes('+') ? undefined : decodeBase64(text.replaceAll('.', '+'));
