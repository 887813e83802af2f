import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { explainDecision, routesReport } from '../maintenance.ts';
import { baseEnv, mint } from '../testing/rig.ts';

it('for a token of another issuer: its keys are not fetched, and the token is not judged', async () => {
  let asked = 0;
  const issuer = createServer((_req, res) => {
    asked += 1;
    res.end('{}');
  });
  await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => issuer.close().closeAllConnections());
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-issuers-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const config = join(folder, 'config.json');
  const { port } = issuer.address() as AddressInfo;
  const partner = {
    id: 'partner',
    issuer: 'https://partner.example',
    audience: 'sallyport',
    algorithm: 'ES256',
    jwksUrl: `http://127.0.0.1:${port}/jwks`,
  };
  const rule = { service: 'user-service', access: 'required', issuers: ['own', 'partner'] };
  const routes = [{ ...rule, path: '/users/*' }];
  writeFileSync(config, JSON.stringify({ gateway: { issuers: [partner], routes } }));
  const input = { env: { ...baseEnv, SALLYPORT_CONFIG_FILE: config } };

  const request = { method: 'GET', url: 'http://localhost/users/me', headers: [], address: '192.0.2.1' };
  const explain = (token: string) => explainDecision(input, request, { kind: 'token', token });
  expect((await explain(mint({ iss: partner.issuer }, { alg: 'ES256' }))).decision).toBe('not_ready');
  expect((await explain(mint())).decision).toBe('forward');
  expect(asked).toBe(0);
  expect((await routesReport(input)).routes[0]?.policy).toContain('issuer own | partner');
});
