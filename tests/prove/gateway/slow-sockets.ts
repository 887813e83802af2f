/**
 * Ordinary requests beside a thousand slow sockets, and beside floods of tokens that nobody has seen: their p99 at most doubles against
 * the same requests alone. Rounds with and without the attack take turns, since the machine has other things to do as well.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { newInstallation, startGateway } from '../../testing/microservices.ts';
import { mintedUser } from '../../testing/route-file.ts';
import { percentile } from '../rank.ts';
import type { AttackOptions } from './attacker.ts';
import { startServiceProcess } from './service-process.ts';
import type { SteadyOptions, SteadyResult } from './steady-client.ts';

export interface AttackResult {
  readonly aloneP50Ms: readonly number[];
  readonly attackedP50Ms: readonly number[];
  readonly aloneP99Ms: readonly number[];
  readonly attackedP99Ms: readonly number[];
  /** Median of the rounds under attack / median of those alone. */
  readonly ratio: number;
  readonly failed: number;
  /** What the attackers did in all rounds. */
  readonly attacks: Readonly<Record<string, number>>;
}

export interface SlowSockets {
  readonly sockets: number;
  readonly slow: AttackResult;
  readonly unseen: AttackResult;
  readonly forged: AttackResult;
  readonly passed: boolean;
}

export interface SlowSocketsOptions {
  readonly sockets: number;
  readonly floodSockets: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly perSecond: number;
}

const ratioToReach = 2;
const entryOf = (name: string): string => fileURLToPath(new URL(`${name}.ts`, import.meta.url));

/** The generators make way: what is measured is the gateway. */
const niced = (levels: number, entry: string, options: object): ChildProcess =>
  spawn('nice', ['-n', String(levels), process.execPath, entryOf(entry), JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });

const textOf = async (child: ChildProcess): Promise<string> => {
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  await once(child, 'close');
  return text;
};

const measure = async (options: SteadyOptions): Promise<SteadyResult> =>
  JSON.parse(await textOf(niced(0, 'steady-client', options))) as SteadyResult;

const startAttack = async (options: AttackOptions) => {
  const child = niced(10, 'attacker', options);
  const text = textOf(child);
  await once(child.stdout ?? child, 'data');
  return async (): Promise<Record<string, number>> => {
    child.stdin?.end();
    return JSON.parse((await text).split('\n')[1] ?? '{}') as Record<string, number>;
  };
};

const median = (values: readonly number[]): number => percentile(values, 0.5);
const rounded = (value: number): number => Math.round(value * 100) / 100;

const settleLimitMs = 15_000;
const quickMs = 20;

/** Until readers have what fits on the way to them: to send that much is no slow reading yet. */
const settle = async (url: string): Promise<void> => {
  const untilMs = performance.now() + settleLimitMs;
  for (let quick = 0; quick < 5 && performance.now() < untilMs; await sleep(50)) {
    const beganMs = performance.now();
    await (await fetch(`${url}/api/v1/auth/verify`)).text();
    quick = performance.now() - beganMs < quickMs ? quick + 1 : 0;
  }
};

const compare = async (rounds: number, steady: SteadyOptions, attack: AttackOptions): Promise<AttackResult> => {
  const alone: SteadyResult[] = [];
  const attacked: SteadyResult[] = [];
  const attacks: Record<string, number> = {};
  for (let round = 0; round < rounds; round += 1) {
    alone.push(await measure(steady));
    const stop = await startAttack(attack);
    await settle(attack.url);
    attacked.push(await measure(steady));
    for (const [name, count] of Object.entries(await stop())) attacks[name] = (attacks[name] ?? 0) + count;
    await sleep(500);
  }
  const at = (results: readonly SteadyResult[], share: number) =>
    results.map(({ latenciesMs }) => rounded(percentile(latenciesMs, share)));
  const [aloneP99Ms, attackedP99Ms] = [at(alone, 0.99), at(attacked, 0.99)];
  return {
    ...{ aloneP50Ms: at(alone, 0.5), attackedP50Ms: at(attacked, 0.5), aloneP99Ms, attackedP99Ms },
    ratio: rounded(median(attackedP99Ms) / median(aloneP99Ms)),
    failed: [...alone, ...attacked].reduce((sum, { failed }) => sum + failed, 0),
    attacks,
  };
};

const es256Keys = (folder: string) => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const path = join(folder, 'public.pem');
  writeFileSync(path, publicKey.export({ type: 'spki', format: 'pem' }));
  const { crv, kty, x, y } = publicKey.export({ format: 'jwk' });
  // RFC 7638 §3: what the gateway names a key by that it has from a file.
  const kid = createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
  return { privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), path, kid };
};

const newClaims = () => {
  const now = Math.floor(Date.now() / 1000);
  return {
    ...{ iss: 'auth-service', aud: 'sallyport', client_id: 'default', sub: mintedUser, sid: randomUUID(), uep: 0 },
    ...{ iat: now, nbf: now, exp: now + 3600, email: 'ann@example.com' },
  };
};

/** One token that is used again and again, as a client does. */
const mint = (privateKey: string, kid: string, claims: ReturnType<typeof newClaims>): string => {
  const input = [
    { alg: 'ES256', typ: 'at+jwt', kid },
    { ...claims, jti: randomUUID() },
  ]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${input}.${sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
};

export const slowSockets = async (options: SlowSocketsOptions): Promise<SlowSockets> => {
  const { sockets, floodSockets, rounds, seconds, perSecond } = options;
  const { folder, ...installation } = newInstallation();
  const { privateKey, path, kid } = es256Keys(folder.path);
  const service = await startServiceProcess();
  const settings = { JWT_ALGORITHM: 'ES256', JWT_PUBLIC_KEY_PATH: path, JWT_SECRET: '', LOG_LEVEL: 'error' };
  const urls = { AUTH_SERVICE_URL: service.url, USER_SERVICE_URL: service.url };
  const gateway = await startGateway({ folder, ...installation }, { ...settings, ...urls });
  const claims = newClaims();
  const steady = {
    ...{ url: gateway.url, paths: ['/api/v1/users/me', '/api/v1/auth/verify'], perSecond, seconds, connections: 32 },
    ...{ authorization: `Bearer ${mint(privateKey, kid, claims)}`, localAddress: '127.0.0.1' },
  };
  const attack = (kind: AttackOptions['kind'], count: number): AttackOptions => ({
    ...{ url: gateway.url, kind, sockets: count, privateKey, kid, claims, localAddress: '127.0.0.2' },
    ...{ bigPath: '/api/v1/auth/big', postPath: '/api/v1/auth/login', protectedPath: '/api/v1/users/me' },
  });
  try {
    // Code that has not run yet is slow.
    await measure({ ...steady, seconds: 1 });
    const slow = await compare(rounds, steady, attack('slow', sockets));
    const unseen = await compare(rounds, steady, attack('unseen', floodSockets));
    const forged = await compare(rounds, steady, attack('forged', floodSockets));
    const all = [slow, unseen, forged];
    const passed = all.every(({ ratio, failed }) => ratio <= ratioToReach && failed === 0);
    return { sockets, slow, unseen, forged, passed };
  } finally {
    await gateway.stop();
    await service.kill();
    rmSync(folder.path, { recursive: true, force: true });
  }
};
