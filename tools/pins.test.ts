import { expect, test } from 'vitest';
import { unpinned } from './pins.ts';

test.each(['^1.2.3', '~1.2.3', '>=1.2.3', '1.x', '*', 'latest', '', '1.2', 'https://example.org/a.tgz', 'github:a/b'])(
  'a dependency at %j is named',
  (version) => {
    expect(unpinned({ dependencies: { a: version } })).toEqual([`dependencies a ${version}`]);
    expect(unpinned({ optionalDependencies: { a: version } })).toHaveLength(1);
  },
);

test('one exact version passes, under an alias too, and peers may be ranges', () => {
  const devDependencies = { a: '1.2.3', b: '1.2.3-rc.1', c: 'npm:typescript@6.0.1', d: 'npm:@x/y@1.2.3' };
  expect(unpinned({ devDependencies, peerDependencies: { react: '>=18' } })).toEqual([]);
});
