import { expect, it } from 'vitest';
import { publishedManifest } from './published-manifest.ts';

const manifest = {
  name: '@sallyport/example',
  version: '0.1.0',
  private: true,
  license: 'Apache-2.0',
  exports: {
    '.': './index.ts',
    './parts/*': './parts/*.ts',
    './servers.json': './servers.json',
    './testing': './testing/start.ts',
    './conformance': './conformance/index.ts',
  },
  bin: { example: './main.ts' },
  scripts: { postinstall: 'true' },
  dependencies: { '@sallyport/contract': '0.1.0' },
  devDependencies: { jose: '6.2.17' },
};

it('publishes compiled entries with their types first, and nothing that serves tests or development', () => {
  expect(JSON.parse(JSON.stringify(publishedManifest(manifest)))).toEqual({
    name: '@sallyport/example',
    version: '0.1.0',
    license: 'Apache-2.0',
    type: 'module',
    engines: { node: '>=24' },
    bin: { example: './main.js' },
    exports: {
      '.': { types: './index.d.ts', default: './index.js' },
      './parts/*': { types: './parts/*.d.ts', default: './parts/*.js' },
      './servers.json': './servers.json',
    },
    dependencies: { '@sallyport/contract': '0.1.0' },
  });
  const { exports } = JSON.parse(JSON.stringify(publishedManifest(manifest)));
  expect(Object.keys(exports['.'])).toEqual(['types', 'default']);
});
