import { describe, expect, it } from 'vitest';
import { explainDecision } from '../maintenance.ts';
import { baseEnv, mint, unsafe, userId } from '../testing/rig.ts';

const explain = (
  method: string,
  url: string,
  caller: Parameters<typeof explainDecision>[2] = { kind: 'nobody' },
  headers: readonly string[] = [],
  env: Record<string, string | undefined> = baseEnv,
) => explainDecision({ env }, { method, url, headers, address: '192.0.2.7' }, caller);
const namesOf = (lines: readonly (readonly [string, string])[] | undefined) => (lines ?? []).map(([name]) => name);

describe('explain', () => {
  it('forwards what the gateway would forward, with the headers that would go out', async () => {
    const explained = await explain('GET', 'http://localhost:8080/api/v1/users/profile?x=1', {
      kind: 'token',
      token: mint({ roles: ['admin'] }),
    });
    expect(explained).toMatchObject({
      route: '/api/v1/users/*',
      service: 'user-service',
      decision: 'forward',
      forwarded: { method: 'GET', target: '/users/profile?x=1' },
      answer: undefined,
    });
    expect(explained.steps.at(-1)).toEqual({ step: 'proxy', verdict: 'forwards', detail: 'user-service' });
    const sent = new Map(explained.forwarded?.headers);
    expect([sent.get('x-user-id'), sent.get('x-roles'), sent.get('x-forwarded-for')]).toEqual([
      userId,
      'admin',
      '192.0.2.7',
    ]);
    expect(sent.get('x-gateway-assertion')).toContain(`"aud":"user-service"`);
  });

  it('prints nothing that can be used', async () => {
    const token = mint();
    const lines = Object.entries({ ...unsafe(), authorization: `Bearer ${token}` });
    const [, csrf = ''] = lines.find(([name]) => name === 'x-csrf-token') ?? [];
    expect((await explain('DELETE', '/api/v1/users/account', { kind: 'nobody' }, lines.flat())).decision).toBe(
      'forward',
    );
    const headers = lines.filter(([name]) => name !== 'authorization').flat();
    const text = JSON.stringify(await explain('DELETE', '/api/v1/users/account', { kind: 'token', token }, headers));
    expect(text).toContain('"decision":"forward"');
    expect(text).toContain('["authorization","(as sent)"]');
    for (const secret of [token, csrf, baseEnv.GATEWAY_SECRET]) expect(text).not.toContain(secret);
    expect(text).not.toMatch(/eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+/);
  });

  it('names the step that refuses, and why', async () => {
    const last = async (...args: Parameters<typeof explain>) => {
      const { steps, decision, status } = await explain(...args);
      return [steps.at(-1)?.step, decision, status];
    };
    expect(await last('GET', '/nowhere')).toEqual(['route', 'route_unknown', 404]);
    expect(await last('GET', '/api/v1/auth/../users')).toEqual(['canonical target', 'path_refused', 400]);
    expect(await last('GET', '/api/v1/users')).toEqual(['authenticate', 'token_missing', 401]);
    expect(await last('TRACE', '/api/v1/users')).toEqual(['route', 'method_not_allowed', 405]);
    expect(await last('POST', '/api/v1/payments', { kind: 'claims', claims: { sub: 'ann' } })).toEqual([
      ...['CSRF', 'csrf_header_missing', 403],
    ]);
    expect(await last('GET', '/health')).toEqual(['route', 'answer', 200]);
  });

  it('tells what is taken away', async () => {
    const { steps, forwarded } = await explain('GET', '/api/v1/auth/verify', { kind: 'nobody' }, [
      'X-User-Id',
      'root',
      'X_Roles',
      'admin',
    ]);
    expect(steps[0]?.detail).toBe(
      'from 192.0.2.7; removed, since only the gateway may say who calls: x-user-, x-roles',
    );
    expect(namesOf(forwarded?.headers)).not.toContain('x-user-id');
    expect(JSON.stringify(forwarded)).not.toMatch(/root|admin/);
  });

  it('needs no secret for claims, and the key for a token', async () => {
    const env = { SALLYPORT_PRESET: 'microservices' };
    const caller = { kind: 'claims', claims: { sub: 'ann', email: 'ann@example.com' } } as const;
    expect((await explain('GET', '/api/v1/users', caller, [], env)).decision).toBe('forward');
    await expect(explain('GET', '/api/v1/users', { kind: 'token', token: mint() }, [], env)).rejects.toThrow(
      'JWT_SECRET is needed to judge a token here',
    );
    await expect(explain('GET', '/', caller, [], { ...env, GATEWAY_ROUTES_FILE: '/nonexistent.yaml' })).rejects.toThrow(
      '/nonexistent.yaml: is not there',
    );
  });
});
