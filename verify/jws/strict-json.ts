import { isUtf8 } from 'node:buffer';

/** Deeper documents are refused; Sallyport's own go to 2. */
const maxDepth = 16;

export interface StrictObject {
  readonly value: Readonly<Record<string, unknown>>;
  /**
   * Every string in it is printable ASCII: JSON forbids raw C0 controls in strings, and the text has no escape, no DEL and
   * no byte above. Spares a look at each claim.
   */
  readonly plain: boolean;
}

/** Counts the members written in valid JSON text: every member has one colon outside strings. Negative when not plain. */
const countWrittenMembers = (text: string): number => {
  let count = 0;
  let inString = false;
  let plain = true;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code >= 0x7f) plain = false;
    else if (code === 0x22) inString = !inString;
    else if (code === 0x3a) {
      if (!inString) count += 1;
    } else if (code === 0x5c) {
      // Valid JSON has a backslash only inside strings; what it escapes is no quote.
      index += 1;
      plain = false;
    }
  }
  return plain ? count : -1 - count;
};

/** Counts the members that survived parsing. Infinity when nested too deep. */
const countParsedMembers = (value: object, depth: number): number => {
  if (depth > maxDepth) return Number.POSITIVE_INFINITY;
  const members: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  let count = Array.isArray(value) ? 0 : members.length;
  for (const member of members) {
    if (typeof member === 'object' && member !== null) count += countParsedMembers(member, depth + 1);
  }
  return count;
};

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/**
 * Parses one JSON object. Refuses (undefined) bad UTF-8, a byte order mark, anything but an object, nesting deeper than
 * 16, and duplicate member names at any depth: JSON.parse folds duplicates (also when spelled with escapes), so the
 * number of members written and the number parsed differ exactly when there was one.
 * RFC 7515 §4: "Header Parameter names within the JOSE Header MUST be unique"; RFC 7519 §4 says the same of claims.
 */
export const parseStrictObject = (bytes: Buffer): StrictObject | undefined => {
  if (!isUtf8(bytes)) return undefined;
  const text = bytes.toString('utf8');
  const value = parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const count = countWrittenMembers(text);
  const plain = count >= 0;
  if ((plain ? count : -1 - count) !== countParsedMembers(value, 1)) return undefined;
  return { value: value as Readonly<Record<string, unknown>>, plain };
};
