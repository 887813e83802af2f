import { release, releasedMinors, sdkNames } from '@sallyport/contract';
import { expect, it } from 'vitest';
import { sdkLabel } from './sdk-label.ts';

it.each(sdkNames)('counts %s of this release by its name and minor version', (sdk) => {
  const [major, minor] = release.split('.');
  expect(sdkLabel(`${sdk}/${release}`)).toEqual({ sdk, version: `${major}.${minor}` });
});

it('counts a version that was never released as another one', () => {
  expect(sdkLabel('client/99.0.1')).toEqual({ sdk: 'client', version: 'other' });
});

it('tells a request that names none', () => {
  expect(sdkLabel(undefined)).toBeUndefined();
});

it('makes no series of what callers make up', () => {
  const madeUp = Array.from({ length: 10_000 }, (_, index) => [
    `client/${index}.${index}.0`,
    `sdk${index}/0.1.0`,
  ]).flat();
  const odd = ['', 'client', 'client/', 'client/0.1', 'client/0.1.0\n', 'client/0.1.0, verify/0.1.0', 'CLIENT/0.1.0'];
  const series = new Set([...madeUp, ...odd].map((header) => JSON.stringify(sdkLabel(header))));
  expect(series.size).toBeLessThanOrEqual((sdkNames.length + 1) * (releasedMinors.length + 1));
});
