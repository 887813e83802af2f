/**
 * Signing keys that turn every few seconds under load, over two issuers, two gateways and a service that verifies by itself: no valid
 * token is refused, and a key that somebody has kept signs nothing that is accepted once its time is over.
 */
import { createPrivateKey, type KeyObject, randomBytes, sign } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { systemRandom } from '@sallyport/kit/random';
import { createSealer } from '@sallyport/kit/seal';
import { createAccessTokenVerifier, remoteJwks } from '@sallyport/verify';
import type { ChildServer } from '../testing/child-server.ts';
import { changeToken, decodeToken } from '../testing/forge.ts';
import { type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, issuerFolder, startIssuer } from '../testing/issuer.ts';
import { newInstallation, startGateway } from '../testing/microservices.ts';
import { signUp, tokensOf } from '../testing/people.ts';
import { type Sabotage, sabotagedIssuer } from './sabotaged-issuer.ts';

export interface KeyRotationOptions {
  readonly seconds: number;
  readonly perSecond: number;
  /** How long a key signs. */
  readonly everySeconds: number;
  /** How long an access token lives; a key verifies five seconds longer, the least that is taken. Default 10. */
  readonly accessSeconds?: number;
  /** Names the store where it is no SQLite file; then nobody keeps keys, since nobody can read them. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Another issuer than this repository's own. */
  readonly main?: string;
}

export interface KeyRotation {
  readonly seconds: number;
  readonly requests: number;
  readonly refreshes: number;
  /** Keys that have signed. */
  readonly keys: number;
  /** Valid tokens that somebody refused, and refreshes that failed. */
  readonly refused: number;
  readonly examples: readonly string[];
  /** Keys whose private half was kept, to sign with after their time. */
  readonly keptKeys: number;
  readonly keptKeysPublishedAndAccepted: number;
  readonly acceptedAfterTheirTime: number;
  readonly passed: boolean;
}

const sessions = 20;
/** The key set may be so old at a verifier: its life, the pause between two fetches, and the ring's own reading. */
const staleSeconds = 4;
const maxExamples = 5;

const issuerSettings = (everySeconds: number, accessSeconds: number) => ({
  JWT_ALGORITHM: 'ES256',
  JWT_SECRET: '',
  REFRESH_ROTATION: 'on',
  LOG_LEVEL: 'warn',
  KEY_ROTATION_SECONDS: String(everySeconds),
  KEY_VERIFY_SECONDS: String(accessSeconds + 5),
  JWKS_MAX_AGE_SECONDS: '1',
  ACCESS_TOKEN_TTL_SECONDS: String(accessSeconds),
});

interface Session {
  access: string;
  refresh: string;
  issuedAtMs: number;
  refreshing: Promise<void> | undefined;
}

/** Anybody who judges an access token: true, or why not. */
type Judge = (token: string) => Promise<true | string>;

export const keyRotation = async (options: KeyRotationOptions): Promise<KeyRotation> => {
  const { seconds, perSecond, everySeconds, accessSeconds = 10, settings = {}, main } = options;
  const installation = newInstallation(issuerFolder());
  const { folder } = installation;
  const service = createServer((_, response) => response.end('{}'));
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  const ofIssuers = { ...issuerSettings(everySeconds, accessSeconds), ...settings };
  const issuers = [await startIssuer(ofIssuers, folder, main), await startIssuer(ofIssuers, folder, main)] as const;
  const gateways = await Promise.all(
    issuers.map(({ url, privateUrl }) =>
      startGateway(installation, {
        JWT_ALGORITHM: 'ES256',
        JWT_SECRET: '',
        LOG_LEVEL: 'warn',
        JWKS_REFRESH_SECONDS: '1',
        JWKS_COOLDOWN_SECONDS: '1',
        AUTH_SERVICE_URL: url,
        REVOCATION_FEED_URL: privateUrl,
        USER_SERVICE_URL: `http://127.0.0.1:${(service.address() as AddressInfo).port}`,
      }),
    ),
  );
  const thieves = settings['DATABASE_URL'] === undefined ? keyKeeper(folder.path, folder.settings) : undefined;
  try {
    const judges = [...gateways.map(gatewayJudge), serviceJudge(issuers[0]), issuerJudge(issuers[1])];
    const calls = issuers.map(({ url }) => httpClient(url));
    const load = await createLoad(calls, judges, { perSecond, accessSeconds });
    const kept = thieves?.watch(load.someToken, judges);
    await load.run(seconds * 1000);
    const { requests, refreshes, refused, examples, kids } = load.result();
    const found = await kept?.end();
    const { keptKeys = 0, published = 0, late = 0 } = found ?? {};
    const isKept = thieves === undefined || (keptKeys > 0 && published > 0 && late === 0);
    return {
      ...{ seconds, requests, refreshes, keys: kids, refused, examples, keptKeys },
      keptKeysPublishedAndAccepted: published,
      acceptedAfterTheirTime: late,
      passed: refused === 0 && kids >= seconds / everySeconds / 2 && isKept,
    };
  } finally {
    thieves?.close();
    await Promise.all(gateways.map((gateway) => gateway.stop()));
    await issuers[0].stop();
    await issuers[1].remove();
    service.closeAllConnections();
    service.close();
  }
};

/** What turns the proof red. */
const twins: Readonly<Record<string, Sabotage>> = {
  'a key that verifies nothing any more once it has ceased to sign': {
    file: 'tokens/stored-ring.ts',
    find: 'const verifyForMs = settings.keyVerifySeconds * 1000;',
    replace: 'const verifyForMs = 0;',
  },
  'a key that stays for good': {
    file: 'tokens/stored-ring.ts',
    find: 'verifyForMs = settings.keyVerifySeconds * 1000',
    replace: 'verifyForMs = 86_400_000',
  },
};

/** With each twin's count of what it should not have let happen. */
export const provenKeyRotation = async (options: KeyRotationOptions) => {
  const proven = await keyRotation(options);
  const red: Record<string, Pick<KeyRotation, 'refused' | 'keptKeys' | 'passed'>> = {};
  for (const [name, sabotage] of Object.entries(twins)) {
    const { entry, remove } = sabotagedIssuer(sabotage);
    try {
      const { refused, keptKeys, passed } = await keyRotation({
        ...options,
        seconds: 25,
        main: pathToFileURL(entry).href,
      });
      red[name] = { refused, keptKeys, passed };
    } finally {
      remove();
    }
  }
  return { ...proven, passed: proven.passed && Object.values(red).every(({ passed }) => !passed), twins: red };
};

const gatewayJudge = ({ url }: ChildServer): Judge => {
  const call = httpClient(url);
  return async (token) => verdict(await call('GET', '/api/v1/users/profile', { bearer: token }), 'gateway');
};

const issuerJudge = ({ url }: Issuer): Judge => {
  const call = httpClient(url);
  return async (token) => verdict(await call('GET', '/auth/verify', { bearer: token }), 'issuer');
};

const verdict = ({ status, text }: { readonly status: number; readonly text: string }, who: string): true | string =>
  status === 200 ? true : `${who}: ${status} ${text.slice(0, 200)}`;

/** What stands in any service that verifies access tokens by itself. */
const serviceJudge = ({ url }: Issuer): Judge => {
  const keys = remoteJwks({ url: `${url}/.well-known/jwks.json`, refreshSeconds: 1, cooldownSeconds: 1 });
  const { verify } = createAccessTokenVerifier({
    issuers: [{ issuer: 'auth-service', audience: 'sallyport', algorithms: ['ES256'], keys }],
  });
  return async (token) => {
    const verification = await verify(token);
    return verification.ok ? true : `service: ${verification.reason}`;
  };
};

const createLoad = async (
  calls: readonly Call[],
  judges: readonly Judge[],
  { perSecond, accessSeconds }: Readonly<Record<'perSecond' | 'accessSeconds', number>>,
) => {
  const [first] = calls;
  if (first === undefined) throw new Error('no issuer');
  const all: Session[] = [];
  for (let made = 0; made < sessions; made += 1) {
    const { access, refresh } = await signUp(first);
    all.push({ access, refresh, issuedAtMs: performance.now(), refreshing: undefined });
  }
  const kids = new Set<unknown>();
  const examples: string[] = [];
  const counts = { requests: 0, refreshes: 0, refused: 0 };
  const refuse = (why: string): void => {
    counts.refused += 1;
    if (examples.length < maxExamples) examples.push(why);
  };

  const refresh = async (session: Session): Promise<void> => {
    const call = calls[counts.refreshes % calls.length] ?? first;
    counts.refreshes += 1;
    const answer = await call('POST', '/auth/refresh', { body: { refresh_token: session.refresh } });
    if (answer.status !== 200) {
      refuse(`refresh: ${answer.status} ${answer.text.slice(0, 200)}`);
      return;
    }
    Object.assign(session, tokensOf(answer));
    session.issuedAtMs = performance.now();
  };

  const one = async (number: number): Promise<void> => {
    const session = all[number % all.length];
    if (session === undefined) return;
    // At random ages up to nearly the last moment, as clients are.
    const ageMs = performance.now() - session.issuedAtMs;
    if (ageMs > (accessSeconds - 2) * 1000 * (0.3 + 0.7 * ((number % 7) / 7))) {
      session.refreshing ??= refresh(session).finally(() => {
        session.refreshing = undefined;
      });
      await session.refreshing;
    }
    const token = session.access;
    kids.add(decodeToken(token).header['kid']);
    const judged = await judges[number % judges.length]?.(token);
    counts.requests += 1;
    if (judged !== true) refuse(String(judged));
  };

  return {
    someToken: (): string => all[0]?.access ?? '',
    run: async (ms: number): Promise<void> => {
      const startMs = performance.now();
      const running = new Set<Promise<void>>();
      for (let number = 0; performance.now() - startMs < ms; number += 1) {
        const asked = one(number).catch((error: unknown) => refuse(String(error)));
        running.add(asked);
        void asked.finally(() => running.delete(asked));
        await sleep(Math.max(0, startMs + (number * 1000) / perSecond - performance.now()));
      }
      await Promise.all(running);
    },
    result: () => ({ ...counts, examples, kids: kids.size }),
  };
};

interface KeptKey {
  readonly kid: string;
  readonly key: KeyObject;
  triedPublished: boolean;
  /** By this process's clock; undefined: it is published. */
  goneAtMs: number | undefined;
  triedLate: boolean;
}

/** Somebody with the store and the root key: keeps every key that the ring ever had, and signs with each when its time is over. */
const keyKeeper = (folder: string, settings: Readonly<Record<string, string | undefined>>) => {
  const [kid = '', key = ''] = (settings['SALLYPORT_ROOT_KEYS'] ?? '').split(':');
  const sealer = createSealer({ keys: [{ kid, key: Buffer.from(key, 'base64url') }], random: systemRandom });
  const db = new DatabaseSync(join(folder, 'sallyport.db'), { readOnly: true });
  const kept = new Map<string, KeptKey>();

  const look = (): void => {
    const rows = db.prepare('SELECT kid, state, private_key_sealed AS sealed FROM signing_keys').all();
    const there = new Map(rows.map((row) => [String(row['kid']), row]));
    for (const [id, { state, sealed }] of there) {
      if (kept.has(id) || state === 'next') continue;
      const place = { table: 'signing_keys', column: 'private_key_sealed', row: id };
      const pem = sealer.open(String(sealed), place).toString('utf8');
      kept.set(id, {
        ...{ kid: id, key: createPrivateKey(pem), goneAtMs: undefined },
        ...{ triedPublished: false, triedLate: false },
      });
    }
    for (const one of kept.values()) if (!there.has(one.kid)) one.goneAtMs ??= performance.now();
  };

  const watch = (someToken: () => string, judges: readonly Judge[]) => {
    const found = { published: 0, late: 0 };
    let isOver = false;
    const running = (async () => {
      while (!isOver) {
        look();
        for (const one of kept.values()) {
          if (!one.triedPublished) {
            one.triedPublished = true;
            // Whoever has not fetched it yet does so now.
            const judged = await Promise.all(judges.map((judge) => judge(signed(someToken(), one))));
            if (judged.every((verdictOf) => verdictOf === true)) found.published += 1;
          }
          if (one.goneAtMs !== undefined && !one.triedLate && performance.now() > one.goneAtMs + staleSeconds * 1000) {
            one.triedLate = true;
            for (const judge of judges) if ((await judge(signed(someToken(), one))) === true) found.late += 1;
          }
        }
        await sleep(200);
      }
    })();
    return {
      end: async () => {
        isOver = true;
        await running;
        return { ...found, keptKeys: [...kept.values()].filter(({ triedLate }) => triedLate).length };
      },
    };
  };
  return { watch, close: () => db.close() };
};

/** A token like the one given, of the same session, that would live for an hour. */
const signed = (like: string, { kid, key }: KeptKey): string => {
  const es256 = (input: string): Buffer => sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
  const exp = Math.floor(Date.now() / 1000) + 3600;
  return changeToken(like, es256, { exp, jti: randomBytes(16).toString('hex') }, { kid });
};
