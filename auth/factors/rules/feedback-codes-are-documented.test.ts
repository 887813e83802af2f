import { readFileSync } from 'node:fs';
import { translations } from '@zxcvbn-ts/language-en';
import { expect, it } from 'vitest';
import { suggestionCodes, warningCodes } from './feedback.ts';

const guide = readFileSync(new URL('../../../docs/guides/passwords.md', import.meta.url), 'utf8');
/** What stands in backticks in the first column of the table under this heading. */
const listed = (heading: string): string[] => {
  const table = guide.slice(guide.indexOf(heading)).split('\n\n', 1)[0] ?? '';
  const rows = table.split('\n').slice(2);
  return rows
    .flatMap((row) => Array.from(row.split('|')[1]?.matchAll(/`(\w+)`/g) ?? [], ([, code = '']) => code))
    .sort();
};

it('lists every warning and suggestion that an answer may carry, and no other', () => {
  const warnings = new Set([...Object.keys(translations.warnings), ...warningCodes]);
  const suggestions = new Set([...Object.keys(translations.suggestions), ...suggestionCodes]);
  expect(listed('| `codes.warning`')).toEqual([...warnings].sort());
  expect(listed('| `codes.suggestions[]`')).toEqual([...suggestions].sort());
});
