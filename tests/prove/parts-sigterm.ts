/**
 * SIGTERM to each of the other parts while it is at work: to an issuer, to a service behind the gateway, and to `sallyport up`, which stops
 * them all. No request that was accepted goes without its answer, and whoever was sent away goes on as soon as the part is back.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { startReady, stopEverything } from '../start/testing/started.ts';
import { httpClient } from '../testing/http-client.ts';
import { type IssuerFolder, issuerFolder, startIssuer } from '../testing/issuer.ts';
import { startMicroservices } from '../testing/microservices.ts';
import { newPerson, register, signUp, type Tokens } from '../testing/people.ts';
import { type Caller, type Kind, type Sent, startStopClients, surelyReadMs } from './stop-clients.ts';

export interface PartSigterm {
  readonly stops: number;
  readonly answered: number;
  /** After the signal alone. */
  readonly answeredWhileStopping: number;
  readonly byStatus: Readonly<Record<string, number>>;
  /** Connections that ended without a byte, of requests that had not been read: the client comes again. */
  readonly comeAgain: number;
  readonly lost: readonly string[];
  /** Sessions that went on with the last token that their client was given. */
  readonly goOn: string;
  readonly slowestStopMs: number;
  readonly passed: boolean;
}

export interface PartsSigterm {
  readonly issuer: PartSigterm;
  readonly service: PartSigterm;
  readonly up: PartSigterm;
  readonly passed: boolean;
}

interface Options {
  readonly stops: number;
  readonly random: () => number;
}

interface StopOptions extends Options {
  /** SIGKILL instead, to see that requests are missed then. */
  readonly isKilled?: boolean;
}

/** A part at work: where its clients ask, what they ask, and how it is stopped. */
interface Site {
  readonly url: string;
  readonly kinds: readonly Kind[];
  /** Answers that nothing was lost by. */
  readonly statuses: readonly number[];
  stop(isKilled: boolean): Promise<void>;
  /** How many of all go on afterwards. */
  goOn(): Promise<readonly [number, number]>;
}

const limitMs = 10_000;

/** Half an answer, an answer that should not be, or none although the request must have been read. */
const lostOf = (sent: readonly Sent[], termMs: number, statuses: readonly number[]): string[] =>
  sent
    .filter(
      ({ outcome, status, sentMs }) =>
        outcome === 'half' ||
        outcome === 'waits' ||
        (outcome === 'answered' && !statuses.includes(status)) ||
        (outcome === 'closed' && sentMs < termMs - surelyReadMs),
    )
    .map(
      ({ kind, outcome, status, sentMs }) =>
        `${kind}: ${outcome} ${status}, sent ${Math.round(sentMs - termMs)} ms after the signal`,
    );

const stopRepeatedly = async (open: () => Promise<Site>, { stops, random, isKilled = false }: StopOptions) => {
  const sent: Sent[] = [];
  const lost: string[] = [];
  let late = 0;
  let slowestStopMs = 0;
  let goOn = 0;
  let all = 0;
  for (let n = 0; n < stops; n += 1) {
    const site = await open();
    const clients = startStopClients(site.url, site.kinds, random);
    await sleep(600 + random() * 400);
    const termMs = performance.now();
    await site.stop(isKilled);
    slowestStopMs = Math.max(slowestStopMs, Math.round(performance.now() - termMs));
    await clients.ended();
    lost.push(...lostOf(clients.sent, termMs, site.statuses));
    late += clients.sent.filter(({ outcome, answeredMs }) => outcome === 'answered' && answeredMs > termMs).length;
    sent.push(...clients.sent);
    const [some, of] = await site.goOn();
    goOn += some;
    all += of;
  }
  const answered = sent.filter(({ outcome }) => outcome === 'answered');
  return {
    ...{ stops, answered: answered.length, answeredWhileStopping: late },
    byStatus: Object.fromEntries(
      [...new Set(answered.map(({ status }) => status))].map((status) => [
        status,
        answered.filter((one) => one.status === status).length,
      ]),
    ),
    comeAgain: sent.filter(({ outcome }) => outcome === 'closed').length,
    ...{ lost, goOn: `${goOn} of ${all}`, slowestStopMs },
    passed: lost.length === 0 && goOn === all && slowestStopMs <= limitMs && late > 0,
  } satisfies PartSigterm;
};

/** A client that refreshes with whatever it was given last. */
const refresher = (tokens: Tokens, keep: (token: string) => void): Caller => {
  let { refresh } = tokens;
  return {
    body: () => ({ refresh_token: refresh }),
    answered: (status, text) => {
      if (status !== 200) return;
      refresh = String((JSON.parse(text) as Readonly<Record<string, unknown>>)['refresh_token']);
      keep(refresh);
    },
  };
};

const refreshers = 3;

const issuerAtWork = async (folder: IssuerFolder): Promise<Site> => {
  // A login takes long enough to be under way when the signal comes.
  const settings = { REFRESH_ROTATION: 'on', BCRYPT_COST: '12' };
  const issuer = await startIssuer(settings, folder);
  const call = httpClient(issuer.url);
  const person = newPerson();
  await register(call, person);
  const { email, password } = person;
  const sessions = await Promise.all(Array.from({ length: refreshers }, () => signUp(call)));
  const kept = sessions.map(({ refresh }) => refresh);
  let next = 0;
  const refreshing = (): Caller => {
    const at = next++;
    const tokens = sessions[at];
    if (tokens === undefined) throw new Error('more clients than sessions');
    return refresher(tokens, (token) => {
      kept[at] = token;
    });
  };
  const bearer = { authorization: `Bearer ${sessions[0]?.access}` };
  return {
    url: issuer.url,
    kinds: [
      { name: 'refresh', path: '/auth/refresh', method: 'POST', clients: refreshers, pauseMs: 40, open: refreshing },
      {
        ...{ name: 'login', path: '/auth/login', method: 'POST', clients: 3 },
        open: () => ({ body: () => ({ email, password }) }),
      },
      { name: 'verify', path: '/auth/verify', clients: 4, open: () => ({ headers: bearer }) },
      {
        ...{ name: 'fresh', path: '/auth/verify', clients: 2, keepAlive: false, pauseMs: 20 },
        open: () => ({ headers: bearer }),
      },
    ],
    statuses: [200],
    stop: async (isKilled) => {
      if (isKilled) issuer.signal('SIGKILL');
      await issuer.stop();
    },
    goOn: async () => {
      const again = await startIssuer(settings, folder);
      const refresh = (token: string) =>
        httpClient(again.url)('POST', '/auth/refresh', { body: { refresh_token: token } });
      const answers = await Promise.all(kept.map(refresh));
      await again.remove();
      return [answers.filter(({ status }) => status === 200).length, kept.length];
    },
  };
};

const reads = (bearer: string, path: string, clients: number): readonly Kind[] => {
  const open = (): Caller => ({ headers: { authorization: bearer } });
  return [
    { name: 'busy', path, clients, open },
    { name: 'pausing', path, clients, pauseMs: 200, open },
    { name: 'fresh', path, clients: 2, keepAlive: false, pauseMs: 20, open },
  ];
};

const profile = '/api/v1/users/profile';

/** The gateway stays: whom the service does not answer any more, it tells so. */
const serviceAtWork = async (): Promise<Site> => {
  const site = await startMicroservices();
  const { access } = await signUp(httpClient(site.gateway.url), newPerson(), '/api/v1');
  const bearer = `Bearer ${access}`;
  return {
    url: site.gateway.url,
    kinds: reads(bearer, profile, 4),
    statuses: [200, 502, 503],
    stop: async (isKilled) => {
      if (isKilled) site.users.signal('SIGKILL');
      await site.users.stop();
      await sleep(100);
      await site.gateway.stop();
    },
    goOn: async () => {
      await site.remove();
      return [0, 0];
    },
  };
};

const upAtWork = async (): Promise<Site> => {
  const system = await startReady({ preset: 'microservices', env: { FLOOD_LIMIT_PER_MINUTE: '0' } });
  const url = system.url(8080).replace('localhost', '127.0.0.1');
  const { access } = await signUp(httpClient(url), newPerson(), '/api/v1');
  return {
    url,
    kinds: reads(`Bearer ${access}`, profile, 3),
    statuses: [200],
    stop: async () => {
      system.child.kill('SIGTERM');
      await system.ended;
    },
    goOn: async () => {
      await stopEverything();
      return [0, 0];
    },
  };
};

export const issuerSigterm = (options: StopOptions): Promise<PartSigterm> =>
  stopRepeatedly(() => issuerAtWork(issuerFolder()), options);

export const partsSigterm = async (options: Options): Promise<PartsSigterm> => {
  const issuer = await issuerSigterm(options);
  const service = await stopRepeatedly(serviceAtWork, options);
  const up = await stopRepeatedly(upAtWork, options);
  return { issuer, service, up, passed: [issuer, service, up].every(({ passed }) => passed) };
};
