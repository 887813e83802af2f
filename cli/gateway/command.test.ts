import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { newFolder, removeFolders, sallyport } from '../testing/run.ts';

afterAll(removeFolders);

const table = `version: 1
services: [{ id: orders, url: "http://localhost:9001" }]
routes: [{ path: /orders, service: orders, access: required }]
`;
const keyOf = (service: string, text = table) => {
  const cwd = newFolder();
  writeFileSync(join(cwd, 'mine.yaml'), text);
  const env = { GATEWAY_ROUTES_FILE: 'mine.yaml', GATEWAY_MASTER_KEYS: `m1:${Buffer.alloc(32).toString('base64url')}` };
  return sallyport(['gateway', 'key', service], { cwd, env: { ...env, SALLYPORT_PRESET: 'microservices' } });
};

describe('the key of a service of the route file', () => {
  it('is printed, also where a preset has other services', () => {
    const { status, stdout, stderr } = keyOf('orders');
    expect([status, stdout, stderr]).toEqual([0, expect.stringMatching(/^m1:[\w-]{43}\n$/), '']);
    expect(keyOf('user-service', table.replace(/services.*\n/, '')).status).toBe(0);
  });

  it('is refused for another service, with those that there are and the file they stand in', () => {
    const { status, stderr } = keyOf('user-service');
    expect([status, stderr]).toEqual([
      78,
      'service must be one of orders, the services of mine.yaml, and is user-service\n',
    ]);
  });

  it('is refused with what is wrong with the file', () => {
    const { status, stderr } = keyOf('orders', table.replace('url:', 'ulr:'));
    expect([status, stderr]).toEqual([78, expect.stringContaining('mine.yaml:2:26: services[0].ulr is not known')]);
  });
});
