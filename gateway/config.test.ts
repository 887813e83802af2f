import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { checkGatewaySettings } from './config.ts';
import { loadGatewaySettings } from './load-settings.ts';
import { baseEnv } from './testing/rig.ts';
import { serviceOrigins } from './upstreams/open-upstreams.ts';

const load = (env: Record<string, string | undefined>) =>
  loadGatewaySettings({ env: { ...baseEnv, ...env } }, checkGatewaySettings).settings;

describe('the gateway’s settings', () => {
  it('shift the services with all other ports, unless they are named', () => {
    const settings = load({ SALLYPORT_PORT_OFFSET: '100', USER_SERVICE_URL: 'https://users.example' });
    expect(settings.services.flatMap((service) => serviceOrigins(settings, service))).toEqual([
      'http://localhost:8181',
      'https://users.example',
      'http://localhost:8183',
      'http://localhost:8184',
    ]);
  });

  it.each([
    [{ GATEWAY_SECRET: undefined }, 'GATEWAY_SECRET is required'],
    [{ JWT_SECRET: undefined }, 'JWT_SECRET is required'],
    [{ CSRF_KEYS: undefined }, 'CSRF_KEYS is required'],
    [{ GATEWAY_MASTER_KEYS: undefined }, 'GATEWAY_MASTER_KEYS is required'],
    [{ GATEWAY_SECRET: 'short' }, 'GATEWAY_SECRET must have at least 32 bytes'],
    [{ USER_SERVICE_URL: 'http://users/base' }, 'USER_SERVICE_URL must be an origin'],
    [{ USER_SERVICE_URL: 'http://u:p@users' }, 'USER_SERVICE_URL must not hold a user or password'],
    [{ TRUSTED_PROXIES: '0.0.0.0/0' }, 'TRUSTED_PROXIES holds'],
    [{ CORS_ORIGINS: '*' }, 'CORS_ORIGINS must list exact origins'],
    [{ FLOOD_LIMIT_PER_MINUT: '5' }, 'did you mean FLOOD_LIMIT_PER_MINUTE?'],
    [{ SALLYPORT_PRESET: 'microservice' }, 'SALLYPORT_PRESET must be one of microservices'],
    [{ ACCESS_LOG_SAMPLE: '10%' }, 'ACCESS_LOG_SAMPLE must be a number from 0 to 1'],
    [{ ACCESS_LOG_SAMPLE: '1.1' }, 'ACCESS_LOG_SAMPLE must be a number from 0 to 1'],
    [{ GATEWAY_PORT: 'tcp://10.0.0.1:80' }, 'Kubernetes'],
  ])('refuse %j', (env, message) => {
    expect(() => load(env)).toThrow(message);
  });

  it('limit floods as the contract says, unless told otherwise', () => {
    const { floodLimitPerMinute, floodLimitBurst } = load({ FLOOD_LIMIT_PER_MINUTE: undefined });
    expect([floodLimitPerMinute, floodLimitBurst, load({}).floodLimitPerMinute]).toEqual([100, 10, 0]);
  });

  it.each(['0', '1', '0.05', '.5', '1.0'])('take %s as a share', (share) => {
    expect(load({ ACCESS_LOG_SAMPLE: share }).accessLogSample).toBe(Number(share));
  });

  it('take the contract’s PORT, and know the names of the other servers', () => {
    const shared = {
      GATEWAY_PORT: undefined,
      PORT: '9000',
      SALLYPORT_ROOT_KEYS: 'x',
      SALLYPORT_DATA_DIR: 'x',
      AUTH_PORT: '1',
    };
    expect(load(shared).port).toBe(9000);
  });
});

describe('one settings file for issuer and gateway', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-settings-'));
  const file = join(folder, 'settings.json');
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is read by the gateway without the issuer’s section, routes included', () => {
    const services = [{ id: 'shop', url: 'http://shop.internal:9000' }];
    const routes = [{ path: '/shop/*', service: 'shop', access: 'required' }];
    const gateway = { services, routes, floodLimitPerMinute: 7 };
    writeFileSync(file, JSON.stringify({ issuer: 'us', gateway, auth: { accessTokenTtlSeconds: 60 } }));
    const settings = load({ SALLYPORT_CONFIG_FILE: file, FLOOD_LIMIT_PER_MINUTE: undefined });
    expect([settings.issuer, settings.floodLimitPerMinute, settings.routes]).toEqual(['us', 7, routes]);
    expect(settings.services.flatMap((service) => serviceOrigins(settings, service))).toEqual([
      'http://shop.internal:9000',
    ]);
  });

  it('is refused with a route of the wrong form', () => {
    writeFileSync(
      file,
      JSON.stringify({ gateway: { routes: [{ path: '/shop/*', service: 'shop', acess: 'public' }] } }),
    );
    expect(() => load({ SALLYPORT_CONFIG_FILE: file })).toThrow('/routes/0/acess is not known; did you mean access?');
    writeFileSync(file, JSON.stringify({ gateway: { routes: [{ path: '/a', service: 'shop', access: 'public' }] } }));
    expect(() => load({ SALLYPORT_CONFIG_FILE: file })).toThrow('names shop, a service that is not listed');
  });
});
