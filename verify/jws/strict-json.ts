import { isAscii, isUtf8 } from 'node:buffer';

/** Deeper documents are refused; Sallyport's own go to 2. */
const maxDepth = 16;

export interface StrictObject {
  /** The caller's own: nobody else holds it. */
  readonly value: Record<string, unknown>;
  /**
   * Every string in it is printable ASCII: JSON forbids raw C0 controls in strings, and the text has no escape, no DEL and
   * no byte above. Spares a look at each claim.
   */
  readonly plain: boolean;
}

const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;

/**
 * At least as many as there are members in valid JSON text, and mostly as many: colons that follow a quote. Quick, because
 * it jumps from colon to colon.
 */
const boundWrittenMembers = (text: string): number => {
  let count = 0;
  for (let colon = text.indexOf(':'); colon >= 0; colon = text.indexOf(':', colon + 1)) {
    let before = colon - 1;
    while (isSpace(text.charCodeAt(before))) before -= 1;
    if (text.charCodeAt(before) === 0x22) count += 1;
  }
  return count;
};

/** Counts the members written in valid JSON text: every member has one colon outside strings. */
const countWrittenMembers = (text: string): number => {
  let count = 0;
  let inString = false;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === 0x22) inString = !inString;
    else if (code === 0x3a && !inString) count += 1;
    // Valid JSON has a backslash only inside strings; the character it escapes ends none.
    else if (code === 0x5c) index += 1;
  }
  return count;
};

/** Counts the members that survived parsing, and freezes what is nested. Infinity when nested too deep. */
const countParsedMembers = (value: object, depth: number): number => {
  if (depth > maxDepth) return Number.POSITIVE_INFINITY;
  const members: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  let count = Array.isArray(value) ? 0 : members.length;
  for (const member of members) {
    if (typeof member !== 'object' || member === null) continue;
    count += countParsedMembers(member, depth + 1);
    Object.freeze(member);
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
 * JSON.parse folds duplicate members (also when spelled with escapes). So there was none where as many survived as were
 * written; where as many survived as were written at most, the exact count is spared.
 */
const hasEveryMemberOnce = (text: string, value: object): boolean => {
  const parsed = countParsedMembers(value, 1);
  return parsed === boundWrittenMembers(text) || parsed === countWrittenMembers(text);
};

/**
 * Parses one JSON object; what is nested in it is frozen. Refuses (undefined) bad UTF-8, a byte order mark, anything but an
 * object, nesting deeper than 16, and duplicate member names at any depth.
 * RFC 7515 §4: "Header Parameter names within the JOSE Header MUST be unique"; RFC 7519 §4 says the same of claims.
 */
export const parseStrictObject = (bytes: Buffer): StrictObject | undefined => {
  const ascii = isAscii(bytes);
  if (!ascii && !isUtf8(bytes)) return undefined;
  const text = ascii ? bytes.toString('latin1') : bytes.toString('utf8');
  const value = parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  if (!hasEveryMemberOnce(text, value)) return undefined;
  const plain = ascii && !text.includes('\\') && !text.includes('\u007f');
  return { value: value as Record<string, unknown>, plain };
};
