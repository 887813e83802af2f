/** People at work, at a steady rate: they log in, refresh, read and write through the gateways. Every refusal counts. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, Call } from '../../testing/http-client.ts';
import { newPerson, type Person, register, tokensOf } from '../../testing/people.ts';

export interface SecretLoad {
  /** Resolves when every session has refreshed since this was called, and a little longer than the overlap has passed. */
  everybodyRefreshed(): Promise<void>;
  /** Ends with a last refresh and a last read of everybody. */
  end(): Promise<LoadResult>;
}

export interface LoadResult {
  readonly logins: number;
  readonly refreshes: number;
  readonly reads: number;
  readonly writes: number;
  readonly refused: number;
  readonly loggedOut: number;
  readonly examples: readonly string[];
}

interface Session {
  readonly person: Person;
  access: string;
  refresh: string;
  csrf: string;
  refreshedAtMs: number;
  refreshing: Promise<void> | undefined;
  loggedOut: boolean;
}

export interface LoadOptions {
  readonly issuers: Call;
  readonly gateways: Call;
  readonly perSecond: number;
  readonly sessions: number;
  readonly accessSeconds: number;
  readonly overlapSeconds: number;
}

const maxExamples = 8;
/** A quarter refreshes at every turn: a token of one node meets another one while both are at work with settings of their own. */
const isHasty = (session: number): boolean => session % 4 === 0;
/** One request in so many is a login. */
const loginEvery = 40;

export const startLoad = async (options: LoadOptions): Promise<SecretLoad> => {
  const { issuers, gateways, perSecond, accessSeconds } = options;
  const counts = { logins: 0, refreshes: 0, reads: 0, writes: 0, refused: 0, loggedOut: 0 };
  const examples: string[] = [];
  const startedAtMs = performance.now();
  const refuse = (what: string, why: string): void => {
    counts.refused += 1;
    const atSeconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
    if (examples.length < maxExamples) examples.push(`${atSeconds} s ${what}: ${why.slice(0, 200)}`);
  };
  const isServed = (what: string, answer: Answer): boolean => {
    if (answer.status === 200) return true;
    refuse(what, `${answer.status} ${answer.text}`);
    return false;
  };

  const logIn = async ({ email, password }: Person): Promise<Answer> => {
    counts.logins += 1;
    return issuers('POST', '/auth/login', { body: { email, password } });
  };
  const all: Session[] = [];
  for (let made = 0; made < options.sessions; made += 1) {
    const person = newPerson();
    await register(issuers, person);
    const tokens = tokensOf(await logIn(person));
    const session = { person, ...tokens, refreshedAtMs: performance.now(), refreshing: undefined, loggedOut: false };
    all.push(session);
  }

  const refresh = async (session: Session): Promise<void> => {
    counts.refreshes += 1;
    const answer = await issuers('POST', '/auth/refresh', { body: { refresh_token: session.refresh } });
    if (isServed('refresh', answer)) {
      Object.assign(session, tokensOf(answer));
    } else if (answer.status === 401 && !session.loggedOut) {
      session.loggedOut = true;
      counts.loggedOut += 1;
    }
    session.refreshedAtMs = performance.now();
  };
  const refreshOnce = (session: Session): Promise<void> => {
    session.refreshing ??= refresh(session).finally(() => {
      session.refreshing = undefined;
    });
    return session.refreshing;
  };

  const read = async ({ access }: Session, service: 'users' | 'payments'): Promise<void> => {
    counts.reads += 1;
    isServed(service, await gateways('GET', `/api/v1/${service}/profile`, { bearer: access }));
  };
  const write = async ({ access, csrf }: Session): Promise<void> => {
    counts.writes += 1;
    const headers = { 'x-csrf-token': csrf, cookie: `csrf_token=${csrf}` };
    isServed('write', await gateways('PUT', '/api/v1/users/profile', { bearer: access, headers, body: {} }));
  };
  const verify = async ({ access }: Session): Promise<void> => {
    counts.reads += 1;
    isServed('issuer', await issuers('GET', '/auth/verify', { bearer: access }));
  };

  const one = async (number: number): Promise<void> => {
    const session = all[number % all.length];
    if (session === undefined || session.loggedOut) return;
    if (number % loginEvery === 0) {
      // Ended at once: a session that nobody goes on with would need its root key for as long as it might.
      const answer = await logIn(session.person);
      if (!isServed('login', answer)) return;
      isServed('logout', await issuers('POST', '/auth/logout', { body: { refresh_token: tokensOf(answer).refresh } }));
      return;
    }
    // The others at ages of a third of a token's life up to two thirds.
    const ageMs = performance.now() - session.refreshedAtMs;
    if (isHasty(number % all.length) || ageMs > accessSeconds * 1000 * (0.35 + 0.3 * ((number % 7) / 7)))
      await refreshOnce(session);
    const work = [write, verify, (of: Session) => read(of, 'payments'), (of: Session) => read(of, 'users')];
    await work[Math.floor(number / all.length) % work.length]?.(session);
  };

  let isOver = false;
  const running = (async () => {
    const asked = new Set<Promise<void>>();
    for (let number = 0; !isOver; number += 1) {
      const each = one(number).catch((error: unknown) => refuse('request', String(error)));
      asked.add(each);
      void each.finally(() => asked.delete(each));
      await sleep(Math.max(0, startedAtMs + (number * 1000) / perSecond - performance.now()));
    }
    await Promise.all(asked);
  })();

  return {
    everybodyRefreshed: async () => {
      const sinceMs = performance.now();
      while (all.some(({ refreshedAtMs, loggedOut }) => !loggedOut && refreshedAtMs < sinceMs)) await sleep(100);
      await sleep((options.overlapSeconds + 1) * 1000);
    },
    end: async () => {
      if (isOver) return { ...counts, examples };
      isOver = true;
      await running;
      for (const session of all.filter(({ loggedOut }) => !loggedOut)) {
        await refreshOnce(session);
        await write(session);
      }
      return { ...counts, examples };
    },
  };
};
