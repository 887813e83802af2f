import { expect, test } from 'vitest';
import { fromElsewhere, withoutHash } from './components.ts';

const from = (url: string) => [{ type: 'distribution', url }];

test('what comes from elsewhere than the registry, or without a hash, is named', () => {
  const hashes = [{ alg: 'SHA-512', content: 'aa' }];
  const components = [
    {
      name: 'good',
      version: '1.0.0',
      externalReferences: from('https://registry.npmjs.org/good/-/good-1.0.0.tgz'),
      hashes,
    },
    { name: 'kit', 'bom-ref': '@sallyport/kit@0.1.0' },
    {
      name: 'elsewhere',
      version: '1.0.0',
      externalReferences: from('https://registry.npmjs.org.evil.example/a'),
      hashes,
    },
    {
      name: 'unheld',
      version: '1.0.0',
      externalReferences: from('https://registry.npmjs.org/unheld/-/unheld-1.0.0.tgz'),
    },
  ];
  expect(fromElsewhere({ components })).toEqual(['elsewhere https://registry.npmjs.org.evil.example/a']);
  expect(withoutHash({ components })).toEqual(['unheld']);
});
