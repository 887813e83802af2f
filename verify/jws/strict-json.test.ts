import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseStrictObject } from './strict-json.ts';

const parse = (text: string): unknown => parseStrictObject(Buffer.from(text))?.value;

describe('strict JSON', () => {
  it.each([
    '{"a":1,"a":1}',
    '{"a":1,"\\u0061":2}',
    '{"x":{"a":1,"b":2,"a":3}}',
    '{"x":[{"a":1},{"a":1,"a":2}]}',
    '{"__proto__":1,"__proto__":2}',
    '{"a":":","a":"\\":"}',
    '[]',
    'null',
    '"text"',
    '1',
    '',
    '{',
    '{"a":1}x',
    "{'a':1}",
    '{"a":1,}',
    '\ufeff{"a":1}',
    `${'{"a":'.repeat(17)}1${'}'.repeat(17)}`,
    `{"a":${'['.repeat(3000)}${']'.repeat(3000)}}`,
  ])('refuses %s', (text) => {
    expect(parse(text)).toBeUndefined();
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(parseStrictObject(Buffer.from('{"a":"\xff"}', 'latin1'))).toBeUndefined();
  });

  it('knows when every string is printable ASCII', () => {
    expect(parseStrictObject(Buffer.from('{"a":"x y~"}'))?.plain).toBe(true);
    for (const text of ['{"a":"\\n"}', '{"a":"é"}', '{"a":"\u007f"}', '{"\\u000a":1}']) {
      expect(parseStrictObject(Buffer.from(text))?.plain).toBe(false);
    }
  });

  it('takes any JSON object in any layout, and any with a member repeated it refuses', () => {
    const object = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 4 }), { minKeys: 1 });
    fc.assert(
      fc.property(object, fc.constantFrom(undefined, 1, '\t'), fc.nat(), (value, space, pick) => {
        const text = JSON.stringify(value, null, space);
        const parsed: unknown = JSON.parse(text);
        // Lone surrogates do not survive UTF-8 as they are; JSON.stringify has escaped them.
        expect(parse(text)).toEqual(parsed);
        const keys = Object.keys(value);
        const again = JSON.stringify(keys[pick % keys.length]);
        expect(parse(`${text.trimEnd().slice(0, -1)},${again}:0}`)).toBeUndefined();
      }),
    );
  });
});
