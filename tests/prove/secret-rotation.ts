/**
 * Every secret but the signing keys is replaced under load, over two issuers and two gateways that are restarted one after the other, in
 * the steps of docs/keys.md: nobody is logged out, and no request is refused. A root key that is replaced in one step logs people out.
 */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { feedTokenOf, openMaintenance } from '@sallyport/auth/maintenance';
import { assertionKeysText } from '@sallyport/gateway/maintenance';
import type { Settings } from '../testing/child-server.ts';
import { freePort } from '../testing/free-ports.ts';
import { issuerFolder, startIssuer } from '../testing/issuer.ts';
import { newInstallation, startGateway } from '../testing/microservices.ts';
import { type Balanced, balanced } from './secrets/balancer.ts';
import { type LoadResult, startLoad } from './secrets/load.ts';
import { rotatedService } from './secrets/services.ts';

/** `overlap`: the key before is not held any more; `acceptance`: nodes derive with a key that others do not hold yet. */
const leftOuts = ['root overlap', 'root acceptance', 'refresh acceptance'] as const;
type LeftOut = (typeof leftOuts)[number];

export interface SecretRotationOptions {
  /** Rounds are begun until then; each replaces every secret. */
  readonly seconds: number;
  readonly perSecond: number;
  /** Names the store where it is no SQLite file. */
  readonly settings?: Settings;
  /** A step of docs/keys.md that is not taken; then nothing else is rotated. */
  readonly without?: LeftOut;
}

export interface SecretRotation extends LoadResult {
  readonly rounds: number;
  readonly restarts: number;
  readonly retried: number;
  /** Secrets that were replaced, by name. */
  readonly replaced: Readonly<Record<string, number>>;
  readonly passed: boolean;
}

const accessSeconds = 10;
const overlapSeconds = 2;
/** Half a second each. */
const rootWaitTries = 60;

const newSecret = (): string => randomBytes(32).toString('base64url');

/** No id twice, over all runs on one store: it remembers which key an id was. */
let lastId = 1;
const newKey = (): string => {
  lastId += 1;
  return `${lastId % 250}:${newSecret()}`;
};

/** The values that stand now; the first is the current one. */
interface Secrets {
  root: string[];
  csrf: string[];
  masters: string[];
  plain: string[];
  jwt: string;
  jwtPrevious: string;
  refresh: string;
  refreshPrevious: string;
  feedRoots: string[];
}

const listed = (keys: readonly string[]): string => keys.join(',');
const given = (name: string, value: string): Settings => (value === '' ? {} : { [name]: value });

export const secretRotation = async (options: SecretRotationOptions): Promise<SecretRotation> => {
  const { settings = {}, without } = options;
  const installation = newInstallation(issuerFolder());
  const { folder } = installation;
  const secrets: Secrets = {
    root: [newKey()],
    csrf: [newKey()],
    masters: [newKey()],
    plain: [newSecret()],
    ...{ jwt: newSecret(), jwtPrevious: '', refresh: newSecret(), refreshPrevious: '' },
    feedRoots: [],
  };
  secrets.feedRoots = secrets.root;

  const ofIssuers = (): Settings => ({
    ...settings,
    LOG_LEVEL: 'warn',
    // Without it a token keeps its root key and its refresh secret for as long as its session lives.
    REFRESH_ROTATION: 'on',
    ACCESS_TOKEN_TTL_SECONDS: String(accessSeconds),
    REFRESH_OVERLAP_SECONDS: String(overlapSeconds),
    SALLYPORT_ROOT_KEYS: listed(secrets.root),
    CSRF_KEYS: listed(secrets.csrf),
    JWT_SECRET: secrets.jwt,
    REFRESH_SECRET: secrets.refresh,
    ...given('JWT_SECRET_PREVIOUS', secrets.jwtPrevious),
    ...given('REFRESH_SECRET_PREVIOUS', secrets.refreshPrevious),
  });
  const masterKeys = () =>
    secrets.masters.map((text) => {
      const [kid = '', key = ''] = text.split(':');
      return { kid, key: Buffer.from(key, 'base64url') };
    });
  const usersKeys = () => ({ env: { GATEWAY_ASSERTION_KEYS: assertionKeysText('user-service', masterKeys()) } });
  const plainKeys = () => ({ mode: 'plain', plainSecrets: secrets.plain, onWarning: () => undefined }) as const;
  const users = await rotatedService('user-service', usersKeys());
  const payments = await rotatedService('payment-service', plainKeys());

  const ports = [await freePort(), await freePort()];
  const issuers = await balanced(
    ports.map((port) => () => {
      const own = { AUTH_PORT: String(port), AUTH_PRIVATE_PORT: String(port + 1000) };
      return startIssuer({ ...ofIssuers(), ...own }, folder);
    }),
  );
  const gateways = await balanced(
    ports.map((port) => () => {
      const [root = ''] = secrets.feedRoots;
      return startGateway(installation, {
        LOG_LEVEL: 'warn',
        AUTH_SERVICE_URL: `http://127.0.0.1:${port}`,
        REVOCATION_FEED_URL: `http://127.0.0.1:${port + 1000}`,
        REVOCATION_FEED_TOKEN: feedTokenOf('api-gateway', { SALLYPORT_ROOT_KEYS: root }),
        USER_SERVICE_URL: users.url,
        PAYMENT_SERVICE_URL: payments.url,
        GATEWAY_MASTER_KEYS: listed(secrets.masters),
        GATEWAY_SECRET: secrets.plain[0] ?? '',
        CSRF_KEYS: listed(secrets.csrf),
        JWT_SECRET: secrets.jwt,
        ...given('JWT_SECRET_PREVIOUS', secrets.jwtPrevious),
      });
    }),
  );
  let restarts = 0;
  const restart = async (...fleets: readonly Balanced[]): Promise<void> => {
    for (const fleet of fleets) {
      restarts += fleet.nodes.length;
      await fleet.restart();
    }
  };
  const replaced: Record<string, number> = {};
  const note = (name: string): void => {
    replaced[name] = (replaced[name] ?? 0) + 1;
  };

  const load = await startLoad({
    ...{ issuers: issuers.call, gateways: gateways.call, perSecond: options.perSecond },
    ...{ sessions: 20, accessSeconds, overlapSeconds },
  });

  /** As an operator does it who has read docs/keys.md: wait until `keys roots` says that the key may go. */
  const untilRootMayGo = async (kid: string): Promise<void> => {
    const maintenance = await openMaintenance({ ...folder.settings, ...ofIssuers() });
    try {
      for (let waited = 0; waited < rootWaitTries; waited += 1) {
        await maintenance.cleanUp();
        const root = (await maintenance.listRootKeys()).find((each) => each.kid === kid);
        const values = Object.values(root?.values ?? {}).reduce((sum, count) => sum + count, 0);
        if (root === undefined || (values === 0 && root.sessions === 0)) return;
        await sleep(500);
      }
      throw new Error(`something still needs the root key ${kid}`);
    } finally {
      await maintenance.close();
    }
  };

  const rotateRoot = async (): Promise<void> => {
    const [before = ''] = secrets.root;
    const next = newKey();
    if (without === 'root overlap') {
      secrets.root = [next];
      await restart(issuers);
      return;
    }
    if (without !== 'root acceptance') {
      secrets.root = [before, next];
      await restart(issuers);
    }
    secrets.root = [next, before];
    await restart(issuers);
    secrets.feedRoots = [next];
    await restart(gateways);
    await load.everybodyRefreshed();
    // Of those who were logged out the sessions still stand.
    if (without === undefined) await untilRootMayGo(before.split(':')[0] ?? '');
    secrets.root = [next];
    await restart(issuers);
    note('SALLYPORT_ROOT_KEYS');
  };
  const rotateCsrf = async (): Promise<void> => {
    const [before = ''] = secrets.csrf;
    const next = newKey();
    secrets.csrf = [before, next];
    await restart(gateways, issuers);
    secrets.csrf = [next, before];
    await restart(issuers, gateways);
    await load.everybodyRefreshed();
    secrets.csrf = [next];
    await restart(issuers, gateways);
    note('CSRF_KEYS');
  };
  const rotateMasters = async (): Promise<void> => {
    const [before = ''] = secrets.masters;
    const next = newKey();
    secrets.masters = [before, next];
    users.believe(usersKeys());
    secrets.masters = [next, before];
    await restart(gateways);
    secrets.masters = [next];
    users.believe(usersKeys());
    await restart(gateways);
    note('GATEWAY_MASTER_KEYS');
  };
  const rotatePlain = async (): Promise<void> => {
    const [before = ''] = secrets.plain;
    const next = newSecret();
    secrets.plain = [next, before];
    payments.believe(plainKeys());
    await restart(gateways);
    secrets.plain = [next];
    payments.believe(plainKeys());
    note('GATEWAY_SECRET');
  };
  const rotateJwt = async (): Promise<void> => {
    const before = secrets.jwt;
    const next = newSecret();
    secrets.jwtPrevious = next;
    await restart(gateways, issuers);
    Object.assign(secrets, { jwt: next, jwtPrevious: before });
    await restart(issuers, gateways);
    await load.everybodyRefreshed();
    secrets.jwtPrevious = '';
    await restart(issuers, gateways);
    note('JWT_SECRET');
  };
  const rotateRefresh = async (): Promise<void> => {
    const before = secrets.refresh;
    const next = newSecret();
    if (without !== 'refresh acceptance') {
      secrets.refreshPrevious = next;
      await restart(issuers);
    }
    Object.assign(secrets, { refresh: next, refreshPrevious: before });
    await restart(issuers);
    await load.everybodyRefreshed();
    secrets.refreshPrevious = '';
    await restart(issuers);
    note('REFRESH_SECRET');
  };

  const everything = [rotateRoot, rotateCsrf, rotateMasters, rotatePlain, rotateJwt, rotateRefresh];
  const rotations = without === undefined ? everything : [without.startsWith('root') ? rotateRoot : rotateRefresh];
  let rounds = 0;
  try {
    const untilMs = performance.now() + options.seconds * 1000;
    do {
      for (const rotate of rotations) await rotate();
      rounds += 1;
    } while (performance.now() < untilMs);
    const result = await load.end();
    const retried = issuers.retried() + gateways.retried();
    const isReplaced = rotations.length === Object.keys(replaced).length;
    return { rounds, restarts, retried, replaced, ...result, passed: result.refused === 0 && isReplaced };
  } finally {
    await load.end();
    await gateways.stop();
    await issuers.stop();
    users.close();
    payments.close();
    rmSync(folder.path, { recursive: true, force: true });
  }
};

/** With twins that leave a step out and log people out. */
export const provenSecretRotation = async (options: SecretRotationOptions) => {
  const proven = await secretRotation(options);
  const twins: Record<string, Pick<SecretRotation, 'loggedOut' | 'refused' | 'passed'>> = {};
  for (const without of leftOuts) {
    const { loggedOut, refused, passed } = await secretRotation({ ...options, seconds: 0, without });
    twins[`without ${without}`] = { loggedOut, refused, passed };
  }
  const areRed = Object.values(twins).every(({ loggedOut }) => loggedOut > 0);
  return { ...proven, passed: proven.passed && areRed, twins };
};
