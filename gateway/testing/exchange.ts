import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { Problem } from '@sallyport/contract';
import { systemClock } from '@sallyport/kit/clock';
import { systemRandom } from '@sallyport/kit/random';
import { createAccessTokenVerifier, sharedSecrets, type VerifiedToken } from '@sallyport/verify';
import { createExchange, type Exchange, type Outcome } from '../exchange.ts';
import { readInboundHeaders } from '../headers/inbound.ts';
import { createPace } from '../pace.ts';
import { createDemandProof } from '../proof/demand-proof.ts';
import { createSharedProofs } from '../proof/open-proofs.ts';
import { openProofTable } from '../proof/proof-table.ts';
import type { ProxyRoute } from '../route-table.ts';
import { openUpstream } from '../upstreams/upstream.ts';
import { jwtSecret, mint } from './rig.ts';

/** An exchange as it is after its headers have been read: a real request object that no socket carries. */
export const exchangeOf = (method: string, url: string, ...lines: readonly string[]): Exchange => {
  const req = new IncomingMessage(new Socket());
  Object.assign(req, { method, url, httpVersion: '1.1', rawHeaders: [...lines], complete: true });
  const exchange = createExchange(req, new ServerResponse(req), 'plain', 0);
  exchange.headers = readInboundHeaders(lines);
  exchange.requestId = '0192f0c1-2b3c-7d4e-8f50-000000000001';
  exchange.address = '192.0.2.1';
  return exchange;
};

/** The code of a refusal, the status of an answer, or what stands for going on. */
export const outcomeOf = (outcome: Outcome | Promise<Outcome>): string | number => {
  if (outcome === undefined) return 'goes on';
  if (outcome instanceof Problem) return outcome.code;
  if (typeof outcome === 'string' || outcome instanceof Promise) return 'waits';
  return outcome.status;
};

export const routeTo = (id: string, overrides: Partial<ProxyRoute> = {}): ProxyRoute => ({
  kind: 'proxy',
  name: `/${id}`,
  access: 'required',
  issuers: undefined,
  requirement: undefined,
  csrf: 'always',
  userLimit: undefined,
  bodyLimitBytes: 1_048_576,
  timeoutMs: undefined,
  acceptsUnknown: false,
  stripLength: 0,
  forwardAuthorization: false,
  methods: ['GET', 'POST'],
  hosts: [],
  upstream: openUpstream(
    {
      id,
      origins: ['http://127.0.0.1:1'],
      isPlain: true,
      isIssuer: false,
      connectTimeoutMs: 100,
      timeoutMs: 100,
      maxConnections: 1,
      maxPending: 1,
    },
    { elapsedMs: () => 0, log: { warn: () => undefined } },
  ),
  ...overrides,
});

export const verifier = createAccessTokenVerifier({
  issuers: [
    {
      issuer: 'auth-service',
      audience: 'sallyport',
      algorithms: ['HS256'],
      keys: sharedSecrets([{ secret: jwtSecret }]),
      legacy: { allowMissingSid: true },
    },
  ],
  clock: systemClock(),
});

/** A verified token with some claims changed. */
export const verified = (claims: Readonly<Record<string, unknown>> = {}): VerifiedToken => {
  const verification = verifier.verify(mint(claims), claims['cnf'] === undefined ? 'Bearer' : 'DPoP');
  if (verification instanceof Promise || !verification.ok) throw new Error('the token of the test is not valid');
  return verification.token;
};

export const publicUrl = 'https://api.example.org';
const proofTable = openProofTable(createSharedProofs(systemRandom, 0));

export const demandProof = createDemandProof({
  settings: {
    publicUrl,
    tlsCertPath: undefined,
    port: 8080,
    portOffset: 0,
    clockLeewaySeconds: 30,
    proofMaxAgeSeconds: 60,
  },
  clock: systemClock(),
  uses: { use: (proof) => proofTable.use(proof, Date.now()) },
  pace: createPace({ elapsedMs: () => 0 }),
});
