import { describe, expect, it } from 'vitest';
import { childEnvironment } from './child-environment.ts';
import { readPlan } from './plan.ts';
import { presets } from './presets.ts';
import { restartDelayMs } from './restart-delay.ts';
import { namesOfSecret, refuseDerived } from './secrets.ts';

describe.each(Object.keys(presets))('the plan of %s', (preset) => {
  const plan = readPlan(preset);
  const names = plan.servers.map(({ name }) => name);

  it('names every holder of a secret, and each port once', () => {
    for (const { holders, from } of plan.secrets) {
      expect(names).toEqual(expect.arrayContaining([...holders, ...(from === undefined ? [] : [from])]));
    }
    expect(new Set(plan.servers.map(({ port }) => port)).size).toBe(names.length);
    expect(plan.try).toHaveLength(3);
  });

  it('hands no server a secret of which it is no holder, in any spelling', () => {
    const env = Object.fromEntries(plan.secrets.flatMap(namesOfSecret).map((name) => [name, `value of ${name}`]));
    for (const server of plan.servers) {
      const told = childEnvironment({ plan, server, env, files: new Map(), dataDir: '/data', addresses: {} });
      const held = plan.secrets.filter(({ holders }) => holders.includes(server.name)).flatMap(namesOfSecret);
      expect(new Set(Object.keys(told).filter((name) => name in env))).toEqual(new Set(held));
    }
  });

  it('hands everything else to every server, so that each sees what is misspelt', () => {
    const env = { FLOOD_LIMIT_PER_MINUTE: '5', FLOOD_LIMT: '5', UV_THREADPOOL_SIZE: '7', SALLYPORT_DATA_DIR: 'x' };
    for (const server of plan.servers) {
      const told = childEnvironment({ plan, server, env, files: new Map(), dataDir: '/data', addresses: {} });
      expect(told).toMatchObject({ ...env, SALLYPORT_DATA_DIR: '/data' });
    }
  });
});

it('refuses what only one server may hold', () => {
  const plan = readPlan('microservices');
  const derived = plan.secrets.filter(({ form }) => form === 'derived').flatMap(namesOfSecret);
  expect(derived).toContain('GATEWAY_ASSERTION_KEYS_FILE');
  for (const name of derived)
    expect(() => refuseDerived(plan, { [name]: 'x' })).toThrow(`${name} is one service's own`);
});

describe('the issuer of cookie-spa', () => {
  const plan = readPlan('cookie-spa');
  const origins = (env: Readonly<Record<string, string>>) => {
    const [server] = plan.servers;
    if (server === undefined) throw new Error('no server');
    return childEnvironment({ plan, server, env, files: new Map(), dataDir: '/data', addresses: {} })['CORS_ORIGINS'];
  };

  it('allows the page to call it, wherever the page is', () => {
    expect(origins({})).toBe('http://localhost:3000');
    expect(origins({ SALLYPORT_PORT_OFFSET: '10' })).toBe('http://localhost:3010');
    expect(origins({ PAGE_PORT: '4000' })).toBe('http://localhost:4000');
  });

  it('lets what is given stand', () => {
    expect(origins({ CORS_ORIGINS: 'https://expenses.example.org' })).toBe('https://expenses.example.org');
  });
});

it('restarts at first within a second, then ever later, at most after five', () => {
  const delays = [1, 2, 3, 4, 5, 6, 100].map(restartDelayMs);
  expect(delays[0]).toBeLessThan(1_000);
  expect(delays).toEqual(delays.toSorted((a, b) => a - b));
  expect(delays.at(-1)).toBe(5_000);
});
