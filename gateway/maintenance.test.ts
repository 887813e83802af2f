import { assertionKey } from '@sallyport/verify';
import { describe, expect, it } from 'vitest';
import { gatewayKey, gatewayKeyServices } from './maintenance.ts';
import { baseEnv, masterKey } from './testing/rig.ts';

const env = { SALLYPORT_PRESET: 'microservices', GATEWAY_MASTER_KEYS: baseEnv.GATEWAY_MASTER_KEYS };

describe('gateway key', () => {
  it('is the service’s own key under each master, and needs no other secret', async () => {
    const key = assertionKey(masterKey, 'user-service').toString('base64url');
    expect(gatewayKey('user-service', await gatewayKeyServices({ env }))).toBe(`m1:${key}`);
    const next = Buffer.alloc(32, 7);
    const keys = { ...env, GATEWAY_MASTER_KEYS: `m2:${next.toString('base64url')}, ${env.GATEWAY_MASTER_KEYS}` };
    expect(gatewayKey('user-service', await gatewayKeyServices({ env: keys }))).toBe(
      `m2:${assertionKey(next, 'user-service').toString('base64url')}, m1:${key}`,
    );
  });

  it('refuses an unknown service, and a gateway without masters', async () => {
    const services = await gatewayKeyServices({ env });
    expect(() => gatewayKey('usr-service', services)).toThrow('must be one of auth-service, user-service');
    const without = await gatewayKeyServices({ env: { SALLYPORT_PRESET: 'microservices' } });
    expect(() => gatewayKey('user-service', without)).toThrow('GATEWAY_MASTER_KEYS is required');
  });
});
