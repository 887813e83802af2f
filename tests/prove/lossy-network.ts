import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';

/** Refresh cookies of one browser: all of its tabs send them and see them change. */
export interface CookieJar {
  refresh?: string;
}

export interface NetworkCounts {
  requests: number;
  /** The server answered, and the answer never arrived. */
  lostAnswers: number;
  /** The connection was cut while the server was at work, or before. */
  cutConnections: number;
  /** 401 or 400: a client would give its session up. */
  refusals: number;
  /** 429 and 5xx: a client comes again. */
  deferrals: number;
}

export interface LossyNetwork {
  readonly counts: NetworkCounts;
  /** From 0 to 1, of the calls whose answer does not arrive. May be changed at any time. */
  lossShare: number;
  /** `fetch` for the tabs of one browser, to any of the issuers. A jar makes it send and keep the refresh cookie. */
  fetchFor(jar?: CookieJar): typeof globalThis.fetch;
  /** Resolves when every issuer has answered twice: what reached it before has been read by then. */
  answerAll(): Promise<void>;
  close(): Promise<void>;
}

export interface LossyNetworkOptions {
  readonly urls: readonly string[];
  readonly random: () => number;
  readonly cookieName: string;
  /** Off: the `Idempotency-Key` is taken away, as if the client had none. */
  readonly attemptIds: boolean;
}

const connectionsPerIssuer = 64;
const longestCutMs = 12;

/** Real connections to several issuers, and every way in which an answer can be lost. */
export const createLossyNetwork = (options: LossyNetworkOptions): LossyNetwork => {
  const { urls, random, attemptIds } = options;
  const pools = urls.map(
    (url) => new Pool(url.replace('localhost', '127.0.0.1'), { connections: connectionsPerIssuer, pipelining: 1 }),
  );
  const counts: NetworkCounts = { requests: 0, lostAnswers: 0, cutConnections: 0, refusals: 0, deferrals: 0 };

  const send = (url: string, init: RequestInit, jar: CookieJar | undefined, signal?: AbortSignal) => {
    const pool = pools[Math.floor(random() * pools.length)];
    if (pool === undefined) throw new Error('no issuer');
    const headers = new Headers(init.headers);
    if (!attemptIds) headers.delete('idempotency-key');
    if (jar?.refresh !== undefined) headers.set('cookie', `${options.cookieName}=${jar.refresh}`);
    counts.requests += 1;
    return pool.request({
      method: init.method ?? 'GET',
      path: new URL(url).pathname,
      headers: Object.fromEntries(headers),
      ...(typeof init.body === 'string' && { body: init.body }),
      ...(signal && { signal }),
    });
  };

  const cut = async (url: string, init: RequestInit, jar: CookieJar | undefined): Promise<never> => {
    const abort = new AbortController();
    const sent = send(url, init, jar, abort.signal).then(({ body }) => body.dump());
    const ended = sent.catch(() => undefined);
    await sleep(random() * longestCutMs);
    abort.abort();
    await ended;
    counts.cutConnections += 1;
    throw new TypeError('fetch failed');
  };

  const fetchFor: LossyNetwork['fetchFor'] = (jar) => async (input, init) => {
    const url = input instanceof Request ? input.url : input.toString();
    const lost = random() < network.lossShare;
    if (lost && random() < 0.5) return cut(url, init ?? {}, jar);
    const answer = await send(url, init ?? {}, jar);
    const text = await answer.body.text();
    // A browser takes the cookie when the header arrives; the page may never see the body.
    if (!lost || random() < 0.5) keepCookie(answer.headers['set-cookie'], options.cookieName, jar);
    if (lost) {
      counts.lostAnswers += 1;
      throw new TypeError('terminated');
    }
    if (answer.statusCode === 400 || answer.statusCode === 401) counts.refusals += 1;
    else if (answer.statusCode >= 400) counts.deferrals += 1;
    return new Response(text, { status: answer.statusCode, headers: { 'content-type': 'application/json' } });
  };

  const network: LossyNetwork = {
    counts,
    lossShare: 0,
    fetchFor,
    answerAll: async () => {
      for (const pool of [...pools, ...pools]) {
        const { body } = await pool.request({ method: 'GET', path: '/ready' });
        await body.dump();
      }
    },
    close: async () => {
      await Promise.all(pools.map((pool) => pool.destroy()));
    },
  };
  return network;
};

const keepCookie = (lines: string | string[] | undefined, name: string, jar: CookieJar | undefined): void => {
  if (jar === undefined || lines === undefined) return;
  for (const line of [lines].flat()) {
    const [pair = ''] = line.split(';', 1);
    if (pair.startsWith(`${name}=`)) jar.refresh = pair.slice(name.length + 1);
  }
};
