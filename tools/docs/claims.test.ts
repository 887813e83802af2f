import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = dirname(dirname(import.meta.dirname));
const textOf = (page: string): string => readFileSync(join(root, page), 'utf8');

/** `folder/file.test.ts`, as the pages name what shows something. What a command makes below `dist` is in no fresh clone. */
const pathsIn = (text: string): readonly string[] =>
  [...text.matchAll(/`([\w.-]+(?:\/[\w.-]+)+\.(?:ts|md|json|yaml)|SECURITY\.md)`/g)]
    .map(([, path = '']) => path)
    .filter((path) => !path.startsWith('dist/'));

describe.each(['docs/asvs.md', 'docs/threat-model.md', 'SECURITY.md'])('%s', (page) => {
  it('names files that there are', () => {
    expect(pathsIn(textOf(page)).filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});

/** OWASP ASVS 5.0.0: section -> how its requirements of levels 1 and 2 are numbered, from 1 on, and those beside. */
const sections: Readonly<Record<string, number>> = {
  ...{ '1.1': 2, '1.2': 9, '1.3': 11, '1.4': 3, '1.5': 2 },
  ...{ '2.1': 3, '2.2': 3, '2.3': 4, '2.4': 1 },
  ...{ '3.2': 2, '3.3': 4, '3.4': 6, '3.5': 5, '3.7': 2 },
  ...{ '4.1': 3, '4.2': 1, '4.3': 2, '4.4': 4 },
  ...{ '5.1': 1, '5.2': 3, '5.3': 2, '5.4': 3 },
  ...{ '6.1': 3, '6.2': 12, '6.3': 4, '6.4': 4, '6.5': 5, '6.6': 3, '6.8': 4 },
  ...{ '7.1': 3, '7.2': 4, '7.3': 2, '7.4': 5, '7.5': 2, '7.6': 2 },
  ...{ '8.1': 2, '8.2': 3, '8.3': 1, '8.4': 1 },
  ...{ '9.1': 3, '9.2': 4 },
  ...{ '10.1': 2, '10.2': 2, '10.3': 4, '10.4': 11, '10.5': 5, '10.6': 2, '10.7': 3 },
  ...{ '11.1': 2, '11.2': 3, '11.3': 3, '11.4': 4, '11.5': 1, '11.6': 1 },
  ...{ '12.1': 3, '12.2': 2, '12.3': 4 },
  ...{ '13.1': 1, '13.2': 5, '13.3': 2, '13.4': 5 },
  ...{ '14.1': 2, '14.2': 4, '14.3': 3 },
  ...{ '15.1': 3, '15.2': 3, '15.3': 7 },
  ...{ '16.1': 1, '16.2': 5, '16.3': 4, '16.4': 3, '16.5': 3 },
  ...{ '17.1': 1, '17.2': 4, '17.3': 2 },
};

describe('the table of the ASVS', () => {
  const rows = [...textOf('docs/asvs.md').matchAll(/^\| (\d+\.\d+\.\d+) +\| (\w+) +\| (.+?) +\|$/gm)];
  const aside = [...textOf('docs/asvs.md').matchAll(/^\*\*n\/a\*\*: [^|#]+/gm)].flatMap(([text]) => [
    ...text.matchAll(/\b\d+\.\d+\.\d+\b/g),
  ]);

  it('has every requirement of levels 1 and 2, once, and no other', () => {
    const asked = Object.entries(sections).flatMap(([section, count]) =>
      Array.from({ length: count }, (_, at) => `${section}.${at + 1}`),
    );
    expect(asked).toHaveLength(253);
    const told = [...rows.map(([, number = '']) => number), ...aside.map(([number]) => number)];
    expect([...told].sort()).toEqual([...asked].sort());
  });

  it('says of each what shows it, in one of five words', () => {
    for (const [row, , verdict = '', shown = ''] of rows) {
      expect(verdict, row).toMatch(/^(?:met|part|no|yours)$/);
      expect(shown.length, row).toBeGreaterThan(3);
    }
  });
});
