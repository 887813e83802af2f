import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { release, releasedMinors } from '@sallyport/contract';
import { expect, it } from 'vitest';
import { packageFolders } from './pack/folders.ts';

const root = dirname(import.meta.dirname);
const textOf = (file: string): string => readFileSync(join(root, file), 'utf8');

it('every package has the version of the release, and asks for the others in it', () => {
  for (const folder of packageFolders) {
    const { version, dependencies = {} } = JSON.parse(textOf(join(folder, 'package.json'))) as {
      readonly version: string;
      readonly dependencies?: Readonly<Record<string, string>>;
    };
    const own = Object.entries(dependencies).filter(([name]) => name.startsWith('@sallyport/'));
    expect([folder, version, ...own.map(([, range]) => range)]).toEqual([folder, release, ...own.map(() => release)]);
  }
});

it('the issuer counts this release by name, and the client, which takes no value from another package, says it', () => {
  expect(releasedMinors.at(-1)).toBe(release.split('.').slice(0, 2).join('.'));
  expect(textOf('client/sdk-header.ts')).toContain(`'sallyport-sdk': 'client/${release}'`);
});
