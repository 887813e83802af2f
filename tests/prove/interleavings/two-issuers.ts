/** Two issuers in this process, on one store, whose verbs wait for their turn, and services that hear their feeds. */
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { feedTokenOf, openMaintenance } from '@sallyport/auth/maintenance';
import { type StartDeps, start as startIssuer } from '@sallyport/auth/server';
import type { RunningServer, ServerInput } from '@sallyport/kit/lifecycle';
import { openRevocationFeed } from '@sallyport/verify';
import { decodeToken } from '../../testing/forge.ts';
import { type Call, httpClient } from '../../testing/http-client.ts';
import { issuerFolder } from '../issuer-process.ts';
import { type Sabotage, sabotagedIssuer } from '../sabotaged-issuer.ts';
import { type Lanes, scheduled } from './lane.ts';

export interface TwoIssuers {
  readonly call: readonly [Call, Call];
  readonly lanes: Lanes;
  /** What an operator does on the host. */
  setDisabled(email: string, disabled: boolean): Promise<void>;
  /** What a service says that hears one of the feeds: the token's signature is good, is it revoked? */
  isLetIn(feed: number, accessToken: string): boolean;
  stop(): Promise<void>;
}

type Start = (input: ServerInput, deps: StartDeps) => Promise<RunningServer>;

export const startTwoIssuers = async (
  settings: Readonly<Record<string, string>>,
  sabotage?: Sabotage,
): Promise<TwoIssuers> => {
  const folder = issuerFolder({ ...quickSettings, ...settings });
  const copy = sabotage && sabotagedIssuer(sabotage);
  const start: Start = copy === undefined ? startIssuer : await startOf(copy.entry);
  const lanes: Lanes = new Map();
  const boot = (node: number) =>
    start(
      { env: { ...folder.env, EVENT_RELAY: 'off' }, envFile: '' },
      { around: (storage) => scheduled(storage, lanes, node) },
    );
  const issuers = [await boot(0), await boot(1)];
  const maintenance = await openMaintenance(folder.env);
  const feeds = issuers.map(({ urls }, node) =>
    openRevocationFeed({
      url: `${urls['private']}/v1/revocations`,
      token: feedTokenOf(`service-${node}`, folder.env),
      issuer: 'auth-service',
    }),
  );
  while (feeds.some((feed) => !feed.isReady())) await sleep(5);
  return {
    call: [httpClient(issuers[0]?.urls['public'] ?? ''), httpClient(issuers[1]?.urls['public'] ?? '')],
    lanes,
    setDisabled: async (email, disabled) => {
      if ((await maintenance.setDisabled(email, disabled)) === undefined) throw new Error(`no account ${email}`);
    },
    isLetIn: (feed, accessToken) => {
      const { header, claims } = decodeToken(accessToken);
      const { iss, sub, sid, uep, iat } = claims as unknown as Subject;
      return feeds[feed]?.isRevoked({ iss, sub, sid, uep, iat, kid: String(header['kid']) }) === 'active';
    },
    stop: async () => {
      await Promise.all(feeds.map((feed) => feed.close()));
      await Promise.all(issuers.map((issuer) => issuer.stop()));
      await maintenance.close();
      folder.remove();
      copy?.remove();
    },
  };
};

interface Subject {
  readonly iss: string;
  readonly sub: string;
  readonly sid: string;
  readonly uep: number;
  readonly iat: number;
}

const quickSettings = {
  AUTH_PORT: '0',
  AUTH_PRIVATE_PORT: '0',
  // The quicker one of the two.
  PASSWORD_HASH: 'argon2id',
  PASSWORD_MIN_SCORE: '0',
  PASSWORD_REFUSE_COMMON: 'off',
  CLEANUP_INTERVAL_SECONDS: '0',
};

const startOf = async (entry: string): Promise<Start> => {
  const server = new URL('server.ts', `${pathToFileURL(dirname(entry)).href}/`).href;
  return ((await import(server)) as { readonly start: Start }).start;
};
