/**
 * One proof of possession, sent many times at once: over the threads of one gateway, over gateways with a Redis in common, and to two issuers
 * on one store. Each proof lets one request through.
 */
import { request } from 'node:http';
import { startRedis } from '@sallyport/storage/redis/testing';
import { newProofSigner } from '@sallyport/verify/testing/proofs';
import type { Settings } from '../testing/child-server.ts';
import { deviceFolder } from '../testing/device-chat.ts';
import { loginOnDevice, registerDevice, usernameOf } from '../testing/devices.ts';
import { httpClient } from '../testing/http-client.ts';
import { startIssuer } from '../testing/issuer.ts';
import { newInstallation, startGateway } from '../testing/microservices.ts';
import { newPerson } from '../testing/people.ts';
import { startRecordingUpstream } from '../testing/recording-upstream.ts';
import { mintToken } from '../testing/route-file.ts';

export interface Replays {
  readonly proofs: number;
  readonly once: number;
  /** Two threads that find each other both refuse: the client comes with another. */
  readonly never: number;
  readonly moreOften: number;
  readonly answers: Readonly<Record<string, number>>;
}

export interface ProofReplays {
  readonly threads: Replays;
  readonly gateways: Replays;
  readonly issuers: Replays;
  readonly passed: boolean;
}

interface Round {
  readonly proofs: number;
  readonly parallel: number;
  readonly urls: readonly string[];
  /** One request with a new proof, to be sent as often as it likes. */
  readonly next: () => {
    readonly method: string;
    readonly path: string;
    readonly headers: Settings;
    readonly body?: string;
  };
}

const publicUrl = 'https://api.example.org';

/** A connection of its own for each: the system spreads connections over threads. */
const ask = (url: string, { method, path, headers, body }: ReturnType<Round['next']>): Promise<number> =>
  new Promise((resolve, reject) => {
    const outgoing = request(url + path, { method, headers, agent: false }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode ?? 0));
    });
    outgoing.once('error', reject).end(body);
  });

const replay = async ({ proofs, parallel, urls, next }: Round): Promise<Replays> => {
  const counts = { once: 0, never: 0, moreOften: 0 };
  const answers: Record<string, number> = {};
  for (let proof = 0; proof < proofs; proof += 1) {
    const sent = next();
    const statuses = await Promise.all(
      Array.from({ length: parallel }, (_, turn) => ask(urls[turn % urls.length] ?? '', sent)),
    );
    for (const status of statuses) answers[status] = (answers[status] ?? 0) + 1;
    const through = statuses.filter((status) => status === 200).length;
    counts[through === 0 ? 'never' : through === 1 ? 'once' : 'moreOften'] += 1;
  }
  return { proofs, ...counts, answers };
};

const overGateways = async (count: number, settings: Settings, proofs: number, parallel: number): Promise<Replays> => {
  const upstream = await startRecordingUpstream();
  const installation = newInstallation();
  const env = {
    PUBLIC_URL: publicUrl,
    GATEWAY_WORKERS: '2',
    FLOOD_LIMIT_PER_MINUTE: '0',
    USER_SERVICE_URL: upstream.url,
  };
  const start = () => startGateway(installation, { ...env, ...settings });
  const gateways = await Promise.all(Array.from({ length: count }, start));
  const signer = newProofSigner();
  const token = mintToken(installation, { cnf: { jkt: signer.thumbprint } });
  const path = '/api/v1/users/me';
  const next = () => ({
    ...{ method: 'GET', path },
    headers: { authorization: `DPoP ${token}`, dpop: signer.prove('GET', publicUrl + path, token) },
  });
  try {
    return await replay({ proofs, parallel, urls: gateways.map(({ url }) => url), next });
  } finally {
    await Promise.all(gateways.map((gateway) => gateway.stop()));
    upstream.close();
  }
};

const overIssuers = async (proofs: number, parallel: number): Promise<Replays> => {
  const folder = deviceFolder();
  const settings = { PUBLIC_URL: publicUrl, REFRESH_LIMIT_PER_HOUR: '0' };
  const [first, second] = [await startIssuer(settings, folder), await startIssuer(settings, folder)];
  try {
    const call = httpClient(first.url);
    const { password, ...person } = newPerson();
    const credentials = { username: usernameOf({ ...person, password }), password };
    const signer = newProofSigner();
    const device = await registerDevice(call, credentials, undefined, undefined, { signer, publicUrl });
    const at = (path: string): string => signer.prove('POST', publicUrl + path);
    const login = await loginOnDevice(call, device, password, {}, { dpop: at('/api/auth/login') });
    const path = '/api/auth/refresh';
    const body = JSON.stringify({ refresh_token: login.body['refresh_token'] });
    const next = () => ({
      method: 'POST',
      path,
      body,
      headers: { 'content-type': 'application/json', dpop: at(path) },
    });
    return await replay({ proofs, parallel, urls: [first.url, second.url], next });
  } finally {
    await second.stop();
    await first.remove();
  }
};

export const proofReplays = async (proofs: number, parallel = 16): Promise<ProofReplays> => {
  const redis = await startRedis();
  try {
    const threads = await overGateways(1, {}, proofs, parallel);
    const gateways = await overGateways(2, { REDIS_URL: redis.url }, proofs, parallel);
    const issuers = await overIssuers(proofs, parallel);
    const rounds = [threads, gateways, issuers];
    const passed = rounds.every(({ moreOften, never }) => moreOften === 0 && never <= proofs / 100);
    return { threads, gateways, issuers, passed };
  } finally {
    await redis.stop();
  }
};
