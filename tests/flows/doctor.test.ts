/** `sallyport doctor` on set-ups that are broken in one way each: the fault is named, and what mends it. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { examineIssuer } from '@sallyport/auth/maintenance';
import { examineGateway } from '@sallyport/gateway/maintenance';
import type { Finding } from '@sallyport/kit/finding';
import { startRedis } from '@sallyport/storage/redis/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Settings } from '../testing/child-server.ts';
import { freePort } from '../testing/free-ports.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { type Installation, newInstallation } from '../testing/microservices.ts';

const signing = { JWT_ALGORITHM: 'ES256', JWT_SECRET: '' };
const key = (byte: number): string => Buffer.alloc(32, byte).toString('base64url');

let installation: Installation;
let issuer: Issuer;
beforeAll(async () => {
  installation = newInstallation();
  issuer = await startIssuer({ ...signing, ADMIN_PORT: '0' }, installation.folder);
});
afterAll(() => issuer.remove());

const faults = (findings: readonly Finding[]) => findings.filter(({ verdict }) => verdict === 'fault');
/** One fault, and nothing else: what it says, and that something is said of how it is mended. */
const expectFault = (findings: readonly Finding[], subject: string, found: RegExp, mend: RegExp): void => {
  expect(faults(findings).map((one) => one.subject)).toEqual([subject]);
  expect(faults(findings)[0]?.found).toMatch(found);
  expect(faults(findings)[0]?.mend).toMatch(mend);
  expect(JSON.stringify(findings)).not.toContain(installation.folder.settings['SALLYPORT_ROOT_KEYS']?.slice(2));
};

describe('an issuer', () => {
  const examine = (broken: Settings = {}) => examineIssuer({ ...installation.folder.settings, ...signing, ...broken });

  it('that is well has no fault', async () => {
    const findings = await examine();
    expect(faults(findings)).toEqual([]);
    expect(findings.map(({ subject }) => subject)).toEqual(
      expect.arrayContaining(['issuer: settings', 'issuer: store', 'issuer: clock', 'issuer: keys']),
    );
  });

  it('whose certificate is not there', async () => {
    const findings = await examine({ AUTH_PRIVATE_TLS_CERT_PATH: 'gone.pem', AUTH_PRIVATE_TLS_KEY_PATH: 'gone.key' });
    expectFault(findings, 'issuer: TLS (AUTH_PRIVATE_TLS_CERT_PATH)', /cannot be read/, /leaf first/);
  });

  it('without root keys', async () => {
    const findings = await examine({ SALLYPORT_ROOT_KEYS: '' });
    expectFault(findings, 'issuer: settings', /^SALLYPORT_ROOT_KEYS is required/, /openssl rand/);
  });

  it('with a misspelt setting', async () => {
    const findings = await examine({ REFRESH_ROTATON: 'on' });
    expectFault(findings, 'issuer: settings', /REFRESH_ROTATON.*REFRESH_ROTATION/, /settings\.md/);
  });

  it('with other root keys than those of its store', async () => {
    const findings = await examine({ SALLYPORT_ROOT_KEYS: `1:${key(7)}` });
    expectFault(findings, 'issuer: store', /SALLYPORT_ROOT_KEYS holds another key 1/, /root keys of before/);
  });

  it('whose database is not there', async () => {
    const findings = await examine({ DATABASE_URL: `postgres://sallyport@127.0.0.1:${await freePort()}/sallyport` });
    expectFault(findings, 'issuer: store', /DATABASE_URL/, /Is the database up/);
  });

  it('whose Redis is not there, or throws keys away', async () => {
    const away = await examine({ REDIS_URL: `redis://127.0.0.1:${await freePort()}` });
    expectFault(away, 'issuer: Redis', /REDIS_URL/, /noeviction/);
    const redis = await startRedis(['--maxmemory-policy', 'allkeys-lru']);
    expectFault(await examine({ REDIS_URL: redis.url }), 'issuer: Redis', /noeviction/, /noeviction/);
    await redis.stop();
  });

  it('whose admin API is open to others, is not there, or is somebody else', async () => {
    const of = async (broken: Settings) =>
      (await examine(broken)).filter(({ subject }) => subject === 'issuer: admin API');
    expect(await of({})).toEqual([]);
    const port = String(new URL(issuer.adminUrl).port);
    expect(await of({ ADMIN_PORT: port })).toEqual([expect.objectContaining({ verdict: 'ok' })]);
    const [beyond, answers] = await of({ ADMIN_PORT: port, ADMIN_HOST: '0.0.0.0' });
    expect(beyond).toMatchObject({ verdict: 'warning', found: expect.stringMatching(/0\.0\.0\.0.*plain HTTP/) });
    expect([beyond?.mend, answers?.verdict]).toEqual([expect.stringContaining('TLS'), 'ok']);
    const nobody = await of({ ADMIN_PORT: String(await freePort()) });
    expect(nobody).toMatchObject([{ verdict: 'warning', found: expect.stringContaining('nothing answers') }]);
    const other = await examine({ ADMIN_PORT: String(new URL(issuer.url).port) });
    expectFault(other, 'issuer: admin API', /something else answers/, /port of its own/);
  });

  it('whose clock is wrong', async () => {
    const findings = await examine({ SALLYPORT_CLOCK_OFFSET_SECONDS: '300' });
    expectFault(findings, 'issuer: clock', /ahead of that of the store: more than CLOCK_LEEWAY_SECONDS/, /NTP/);
  });

  it('whose own key is no key', async () => {
    const path = join(installation.folder.path, 'no-key.pem');
    writeFileSync(path, 'no key');
    const findings = await examine({ JWT_PRIVATE_KEY_PATH: path });
    expectFault(findings, 'issuer: keys', /JWT_PRIVATE_KEY_PATH .*is not an unencrypted private key/, /signing-keys/);
  });
});

describe('a gateway', () => {
  const examine = (broken: Settings = {}) =>
    examineGateway({
      env: {
        ...installation.gatewaySettings,
        ...signing,
        JWT_ISSUER: 'auth-service',
        AUTH_SERVICE_URL: issuer.url,
        REVOCATION_FEED_URL: issuer.privateUrl,
        ...broken,
      },
    });

  it('that is well has no fault, and is told which services are not up', async () => {
    const findings = await examine();
    expect(faults(findings)).toEqual([]);
    expect(findings.filter(({ verdict }) => verdict === 'warning').map(({ subject }) => subject)).toContain(
      'gateway: service user-service',
    );
  });

  it('that is given the token of nobody', async () => {
    const findings = await examine({ REVOCATION_FEED_TOKEN: key(1) });
    expectFault(findings, 'gateway: revocation feed', /answers 401 to REVOCATION_FEED_TOKEN/, /keys feed/);
  });

  it('that asks for the feed where it is not', async () => {
    const findings = await examine({ REVOCATION_FEED_URL: `http://127.0.0.1:${await freePort()}` });
    expectFault(findings, 'gateway: revocation feed', /does not answer/, /private listener/);
  });

  it('that knows its issuer by another name', async () => {
    const findings = await examine({ JWT_ISSUER: 'somebody' });
    expectFault(findings, 'gateway: revocation feed', /calls itself auth-service.*is somebody/, /JWT_ISSUER/);
  });

  it('that expects another algorithm', async () => {
    const findings = await examine({ JWT_ALGORITHM: 'RS256' });
    expectFault(findings, 'gateway: issuer', /publishes keys for ES256, and JWT_ALGORITHM is RS256/, /same JWT_ALG/);
  });

  it('whose issuer is not there', async () => {
    const findings = await examine({ AUTH_SERVICE_URL: `http://127.0.0.1:${await freePort()}` });
    expectFault(findings, 'gateway: issuer', /gives no key set/, /AUTH_SERVICE_URL/);
  });

  it('whose clock is wrong', async () => {
    const findings = await examine({ SALLYPORT_CLOCK_OFFSET_SECONDS: '-300' });
    expectFault(findings, 'gateway: clock', /behind that of the issuer/, /NTP/);
  });

  it('whose certificate has expired', async () => {
    const [cert, own] = ['old-cert.pem', 'old-key.pem'].map((name) => join(installation.folder.path, name));
    const request = join(installation.folder.path, 'old.csr');
    const openssl = (...args: string[]): unknown => execFileSync('openssl', args, { stdio: 'pipe' });
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    openssl('req', ...kind, '-subj', '/CN=old', '-keyout', String(own), '-out', request);
    openssl('x509', '-req', '-in', request, '-signkey', String(own), '-days', '-1', '-out', String(cert));
    const findings = await examine({ GATEWAY_TLS_CERT_PATH: String(cert), GATEWAY_TLS_KEY_PATH: String(own) });
    expectFault(findings, 'gateway: TLS', /has expired.*CN=old/, /Renew/);
  });

  it('whose routes cannot be used', async () => {
    const path = join(installation.folder.path, 'routes.yaml');
    writeFileSync(path, 'version: 1\nroutes:\n  - path: /a\n    service: nobody\n');
    const findings = await examine({ GATEWAY_ROUTES_FILE: path });
    expect(faults(findings).map(({ subject }) => subject)).toContain('gateway: routes');
  });

  it('whose Redis is something else', async () => {
    const other = createServer((_, response) => response.end());
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const findings = await examine({ REDIS_URL: `redis://127.0.0.1:${(other.address() as AddressInfo).port}` });
    expectFault(findings, 'gateway: Redis', /not as a Redis/, /REDIS_URL/);
    other.close();
  });
});
