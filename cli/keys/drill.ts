/**
 * A rotation that is watched: asks the ring for its next key, and looks at what every issuer publishes and what becomes of a token of before,
 * until the next key signs and a while longer. It changes nothing that the schedule would not change.
 */
import { createPublicKey, verify as verifySignature, type webcrypto } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Maintenance, StoredKey } from '@sallyport/auth/maintenance';

export interface DrillOptions {
  /** Origins of issuers, with the base path where there is one: `/.well-known/jwks.json` is read below them. */
  readonly issuers: readonly string[];
  /** Protected addresses, asked with the token. */
  readonly gateways: readonly string[];
  /** An access token that the ring has signed. */
  readonly token: string | undefined;
  /** How long is looked on once the next key signs. */
  readonly afterSeconds: number;
  readonly maintenance: Pick<Maintenance, 'listKeys' | 'rotateKeys'>;
  /** Told of every step as it comes. */
  readonly onStep: (step: DrillStep) => void;
}

export interface DrillStep {
  readonly atSeconds: number;
  readonly text: string;
}

export interface DrillReport {
  readonly kid: string;
  readonly previousKid: string;
  readonly steps: readonly DrillStep[];
  /** What went wrong; each kind at each address once. */
  readonly failures: readonly DrillStep[];
  readonly looks: number;
  readonly passed: boolean;
}

/** The ring is not what signs. */
export class DrillImpossible extends Error {
  override readonly name = 'DrillImpossible';
}

const lookEveryMs = 500;
const answerLimitMs = 5000;
/** After the time at which the next key may sign: an issuer reads the ring once a second. */
const patienceMs = 30_000;
/** How long an issuer may take to sign with, and to publish, what the ring says: it reads it once a second. */
const settledMs = 3000;

interface PublishedKey extends webcrypto.JsonWebKey {
  readonly kid: string;
}

const fetchText = (url: string, token?: string) =>
  fetch(url, {
    signal: AbortSignal.timeout(answerLimitMs),
    redirect: 'manual',
    ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }),
  });

const publishedAt = async (issuer: string): Promise<readonly PublishedKey[]> => {
  const response = await fetchText(`${issuer.replace(/\/$/, '')}/.well-known/jwks.json`);
  if (response.status !== 200) throw new Error(`answers ${response.status}`);
  const { keys } = (await response.json()) as { readonly keys?: unknown };
  if (!Array.isArray(keys)) throw new Error('answers with no key set');
  return keys as readonly PublishedKey[];
};

const readPart = (part: string | undefined): Readonly<Record<string, unknown>> => {
  try {
    return JSON.parse(Buffer.from(part ?? '', 'base64url').toString('utf8')) as Readonly<Record<string, unknown>>;
  } catch {
    throw new DrillImpossible('the token is no access token of an issuer');
  }
};

const isSignedWith = (token: string, key: PublishedKey, algorithm: StoredKey['algorithm']): boolean => {
  const [header = '', payload = '', signature = ''] = token.split('.');
  const [input, bytes] = [Buffer.from(`${header}.${payload}`), Buffer.from(signature, 'base64url')];
  const publicKey = createPublicKey({ key, format: 'jwk' });
  if (algorithm === 'EdDSA') return verifySignature(null, input, publicKey, bytes);
  if (algorithm === 'PS256')
    return verifySignature('sha256', input, { key: publicKey, padding: 6, saltLength: 32 }, bytes);
  return verifySignature('sha256', input, { key: publicKey, dsaEncoding: 'ieee-p1363' }, bytes);
};

const createRecord = (onStep: DrillOptions['onStep']) => {
  const startMs = performance.now();
  const steps: DrillStep[] = [];
  const failures = new Map<string, DrillStep>();
  const at = (text: string): DrillStep => ({ atSeconds: Math.round((performance.now() - startMs) / 100) / 10, text });
  const seen = new Set<string>();
  return {
    steps,
    failures,
    step: (text: string): void => {
      const step = at(text);
      steps.push(step);
      onStep(step);
    },
    once: (text: string, step: (text: string) => void): void => {
      if (!seen.has(text)) step(text);
      seen.add(text);
    },
    fail: (where: string, what: string): void => {
      const key = `${where} ${what}`;
      if (failures.has(key)) return;
      const step = at(`FAILED: ${key}`);
      failures.set(key, step);
      onStep(step);
    },
  };
};

type DrillRecord = ReturnType<typeof createRecord>;

/** @throws DrillImpossible where a secret or a key of the owner signs, or the token is of no use */
export const drillKeys = async (options: DrillOptions): Promise<DrillReport> => {
  const { maintenance, issuers, token } = options;
  const record = createRecord(options.onStep);
  const before = new Map<string, ReadonlySet<string>>();
  for (const issuer of issuers) {
    const published = await publishedAt(issuer);
    before.set(issuer, new Set(published.map(({ kid }) => kid)));
  }
  const ring = await maintenance.rotateKeys();
  const next = ring?.find(({ state }) => state === 'next');
  const current = ring?.find(({ state }) => state === 'current');
  if (next === undefined || current === undefined)
    throw new DrillImpossible('the issuer signs with JWT_SECRET or with a key of yours: there is no ring to rotate');
  record.step(`asked for the next key ${next.kid}; it signs from ${new Date(next.signsFromMs).toISOString()} on`);
  const untilMs = Number(next.signsFromMs) + patienceMs;
  const watch = createWatch(options, record, before);
  let signsSinceMs: number | undefined;
  let looks = 0;
  for (;;) {
    const now = await maintenance.listKeys();
    const state = now.find(({ kid }) => kid === next.kid)?.state;
    if (state === 'current' && signsSinceMs === undefined) {
      signsSinceMs = performance.now();
      record.step(`the next key signs; ${current.kid} verifies what it has signed`);
    }
    await watch.look(now, next.kid, signsSinceMs === undefined ? undefined : performance.now() - signsSinceMs);
    looks += 1;
    if (signsSinceMs !== undefined && performance.now() - signsSinceMs > options.afterSeconds * 1000) break;
    if (signsSinceMs === undefined && Date.now() > untilMs) {
      record.fail('the ring', 'has not turned: does an issuer run on this store?');
      break;
    }
    await sleep(lookEveryMs);
  }
  watch.end(next.kid);
  if (token === undefined) record.step('no token was given: that one signed before passes has not been tried');
  const failures = [...record.failures.values()];
  return {
    ...{ kid: next.kid, previousKid: current.kid, steps: record.steps, failures, looks },
    passed: failures.length === 0,
  };
};

const createWatch = (
  { issuers, gateways, token }: DrillOptions,
  record: DrillRecord,
  before: ReadonlyMap<string, ReadonlySet<string>>,
) => {
  const known = new Map([...before].map(([issuer, kids]) => [issuer, new Set(kids)]));
  const publishing = new Set<string>();
  const kid = token === undefined ? undefined : readPart(token.split('.')[0])['kid'];
  const expiresAtMs = token === undefined ? 0 : Number(readPart(token.split('.')[1])['exp']) * 1000;
  let passes = 0;

  const lookAtIssuer = async (issuer: string, ring: readonly StoredKey[], nextKid: string): Promise<void> => {
    const keys = await publishedAt(issuer);
    const kids = new Set(keys.map((key) => key.kid));
    const held = known.get(issuer) ?? new Set();
    for (const gone of [...held].filter((each) => !kids.has(each))) {
      // A key whose time is over leaves the ring; one that is in it has to be published.
      if (ring.some((key) => key.kid === gone)) record.fail(issuer, `publishes ${gone} no more, which is in the ring`);
      else held.delete(gone);
    }
    for (const each of kids) held.add(each);
    known.set(issuer, held);
    if (kids.has(nextKid) && !publishing.has(issuer)) {
      publishing.add(issuer);
      record.step(`${issuer} publishes ${nextKid}`);
    }
    if (token === undefined || Date.now() >= expiresAtMs) return;
    const own = keys.find((key) => key.kid === kid);
    const algorithm = ring.find((key) => key.kid === kid)?.algorithm;
    if (own === undefined || algorithm === undefined || !isSignedWith(token, own, algorithm))
      record.fail(issuer, 'publishes no key that the token is signed with');
  };

  const lookAtGateway = async (gateway: string): Promise<void> => {
    if (token === undefined || Date.now() >= expiresAtMs) return;
    const { status } = await fetchText(gateway, token);
    if (status >= 200 && status < 300) passes += 1;
    else record.fail(gateway, `answers ${status} to the token`);
  };

  return {
    look: async (ring: readonly StoredKey[], nextKid: string, signsForMs: number | undefined): Promise<void> => {
      const unreachable = (where: string) => (error: unknown) =>
        record.fail(where, error instanceof Error ? error.message : 'does not answer');
      await Promise.all([
        ...issuers.map((issuer) => lookAtIssuer(issuer, ring, nextKid).catch(unreachable(issuer))),
        ...gateways.map((gateway) => lookAtGateway(gateway).catch(unreachable(gateway))),
      ]);
      if (signsForMs === undefined) return;
      for (const issuer of issuers)
        if (!publishing.has(issuer)) record.fail(issuer, `did not publish ${nextKid} before it signed`);
      if (token !== undefined && Date.now() >= expiresAtMs && signsForMs < settledMs)
        record.once('the token expired before the next key signed: give one that lives longer', (text) =>
          record.fail('the drill', text),
        );
    },
    end: (nextKid: string): void => {
      if (gateways.length > 0 && token !== undefined)
        record.step(`the token of before passed ${passes} times, also with ${nextKid} signing`);
    },
  };
};
