import { isUtf8 } from 'node:buffer';

/** Deeper documents are refused; Sallyport's own go to 2. */
const maxDepth = 16;

/** Counts the members written in valid JSON text: every member has one colon outside strings. */
const countWrittenMembers = (text: string): number => {
  let count = 0;
  let inString = false;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (inString) {
      if (code === 0x5c) index += 1;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) inString = true;
    else if (code === 0x3a) count += 1;
  }
  return count;
};

/** Counts the members that survived parsing. Infinity when nested too deep. */
const countParsedMembers = (value: unknown, depth: number): number => {
  if (typeof value !== 'object' || value === null) return 0;
  if (depth > maxDepth) return Number.POSITIVE_INFINITY;
  const members: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  let count = Array.isArray(value) ? 0 : members.length;
  for (const member of members) {
    if (typeof member === 'object') count += countParsedMembers(member, depth + 1);
  }
  return count;
};

/**
 * Parses one JSON object. Refuses (undefined) bad UTF-8, a byte order mark, anything but an object, nesting deeper than
 * 16, and duplicate member names at any depth: JSON.parse folds duplicates (also when spelled with escapes), so the
 * number of members written and the number parsed differ exactly when there was one.
 * RFC 7515 §4: "Header Parameter names within the JOSE Header MUST be unique"; RFC 7519 §4 says the same of claims.
 */
export const parseStrictObject = (bytes: Buffer): Readonly<Record<string, unknown>> | undefined => {
  if (!isUtf8(bytes)) return undefined;
  const text = bytes.toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  if (countWrittenMembers(text) !== countParsedMembers(value, 1)) return undefined;
  return value as Readonly<Record<string, unknown>>;
};
