import { createHmac } from 'node:crypto';
import type { ErrorTexts } from '@sallyport/contract';
import { encode } from '@sallyport/kit/base64url';
import type { Clock } from '@sallyport/kit/clock';
import { SettingsError } from '@sallyport/kit/config';
import { createLog } from '@sallyport/kit/log';
import type { Random } from '@sallyport/kit/random';
import { hmacKeyId } from '@sallyport/verify';
import type { GatewaySettings } from '../config.ts';
import type { Step } from '../exchange.ts';
import { serviceAddress } from '../http1/open-socket.ts';
import type { OutgoingRequest } from '../http1/request-head.ts';
import { createGatewayMetrics } from '../metrics.ts';
import { createPace } from '../pace.ts';
import { paceVerifier } from '../paced-verifier.ts';
import { createDemandProof } from '../proof/demand-proof.ts';
import { createRouteSource } from '../routes/route-source.ts';
import { createUserLimits } from '../routes/user-limits.ts';
import type { StepParts } from '../step-parts.ts';
import type { Upstream, UpstreamOptions } from '../upstreams/upstream.ts';
import { openVerifier } from '../verifier.ts';
import { type ExplainRequest, type Explanation, explainRequest } from './explain-request.ts';

/** Who asks. Claims stand for a token that would be good. */
export type ExplainCaller =
  | { readonly kind: 'nobody' }
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'claims'; readonly claims: Readonly<Record<string, unknown>> };

export interface ExplainParts {
  /** The pipeline: `requestSteps` of `app.ts`. */
  readonly stepsOf: (parts: StepParts) => readonly Step[];
  readonly clock: Clock;
  readonly random: Random;
}

const keyBytes = 32;
const lifetimeSeconds = 900;

const newSecret = (random: Random): string => encode(random.bytes(keyBytes));

/** Keys of this one explanation: what is printed can be used for nothing. */
const withThrowawayKeys = (settings: GatewaySettings, random: Random): GatewaySettings => ({
  ...settings,
  masterKeys: [{ kid: 'explain', key: random.bytes(keyBytes) }],
  gatewaySecret: newSecret(random),
  csrfKeys: settings.csrfKeys ?? [{ kid: '1', key: random.bytes(keyBytes) }],
});

const tokenOf = (
  claims: Readonly<Record<string, unknown>>,
  settings: GatewaySettings,
  secret: string,
  { clock, random }: ExplainParts,
) => {
  const now = Math.floor(clock.nowMs() / 1000);
  const id = random.uuidv7(clock.nowMs());
  const part = (value: object): string => encode(Buffer.from(JSON.stringify(value)));
  const input = `${part({ alg: 'HS256', typ: 'at+jwt', kid: hmacKeyId(secret) })}.${part({
    iss: settings.issuer,
    aud: settings.audience,
    client_id: 'explain',
    sub: id,
    jti: id,
    sid: id,
    uep: 0,
    iat: now,
    nbf: now,
    exp: now + lifetimeSeconds,
    ...claims,
  })}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
};

/** A service that notes what it would have got. */
const recorder = () => {
  let sent: OutgoingRequest | undefined;
  const open = ({ id, isPlain, isIssuer, origins: [origin = ''] }: UpstreamOptions): Upstream => {
    const target = {
      address: serviceAddress(origin),
      pool: {
        dispatch: (request: OutgoingRequest) => {
          sent = request;
        },
      },
      ...{ pending: 0, answers: 0, answered: () => undefined, failed: () => undefined },
    };
    return {
      ...{
        id,
        isPlain,
        isIssuer,
        targets: [],
        maxPending: 1,
        pending: 0,
        gathering: 0,
        tunnels: 0,
        relieve: () => false,
      },
      choose: () => target,
      other: () => undefined,
      close: async () => undefined,
    };
  };
  return { open, sent: () => sent };
};

const needsRemoteKeys = ({ jwtAlgorithm, jwtPublicKeyPath, jwtSecret }: GatewaySettings): boolean =>
  jwtAlgorithm === 'HS256' ? jwtSecret === undefined : jwtPublicKeyPath === undefined;

interface Prepared {
  readonly settings: GatewaySettings;
  readonly authorization: readonly string[];
}

/** Credentials among the headers are judged like a token that is given as one. */
const sendsCredentials = ({ headers }: ExplainRequest, { accessCookie }: GatewaySettings): boolean =>
  headers.some((name, at) => {
    if (at % 2 === 1) return false;
    const lower = name.toLowerCase();
    return lower === 'authorization' || (lower === 'cookie' && accessCookie !== undefined);
  });

/** Keys of other issuers that would have to be fetched: their tokens are not judged (`not_ready`). */
const askNobody = (): Promise<Response> => Promise.reject(new Error('no server is asked for anything'));

const demandKeys = (settings: GatewaySettings): void => {
  if (!needsRemoteKeys(settings)) return;
  const setting = settings.jwtAlgorithm === 'HS256' ? 'JWT_SECRET' : 'JWT_PUBLIC_KEY_PATH';
  const problem = 'is needed to judge a token here: the keys are at the issuer. Or give the claims';
  throw new SettingsError([{ setting, problem }]);
};

/** The request as that caller would send it, and the keys that judge it. */
const prepare = (
  settings: GatewaySettings,
  request: ExplainRequest,
  caller: ExplainCaller,
  parts: ExplainParts,
): Prepared => {
  if (caller.kind === 'token' || (caller.kind === 'nobody' && sendsCredentials(request, settings))) {
    demandKeys(settings);
    return { settings, authorization: caller.kind === 'token' ? ['Authorization', `Bearer ${caller.token}`] : [] };
  }
  const jwtSecret = newSecret(parts.random);
  const own: GatewaySettings = { ...settings, jwtAlgorithm: 'HS256', jwtSecret, jwtSecretPrevious: undefined };
  if (caller.kind === 'nobody') return { settings: own, authorization: [] };
  return { settings: own, authorization: ['Authorization', `Bearer ${tokenOf(caller.claims, own, jwtSecret, parts)}`] };
};

/** Explains one request with the routes in `given`. No server is asked for anything. */
export const explainWithSettings = async (
  given: GatewaySettings,
  request: ExplainRequest & { readonly address: string },
  caller: ExplainCaller,
  parts: ExplainParts,
): Promise<Explanation> => {
  const { clock, random, stepsOf } = parts;
  const { settings, authorization } = prepare(withThrowawayKeys(given, random), request, caller, parts);
  const { open, sent } = recorder();
  const elapsedMs = () => 0;
  const pace = createPace({ elapsedMs });
  const table = createRouteSource({ settings, rules: settings, open, userLimits: createUserLimits(), elapsedMs });
  const texts: ErrorTexts = settings.errorTexts;
  try {
    const steps = stepsOf({
      settings,
      table,
      signers: table.signers,
      verifier: paceVerifier(openVerifier(settings, clock, askNobody).verifier, pace),
      // What was used elsewhere is not known here.
      demandProof: createDemandProof({ settings, clock, uses: { use: () => 'first' }, pace }),
      revocations: { isRevoked: () => 'active' },
      openExchanges: { add: () => undefined, remove: () => undefined },
      refuse: () => undefined,
      isReady: () => true,
      log: createLog({ name: settings.serviceName, level: 'silent' }),
      metrics: createGatewayMetrics(),
      clock,
      random,
      elapsedMs,
    });
    const headers = [...request.headers, ...authorization];
    return await explainRequest({ ...request, headers }, { steps, sent, texts, address: request.address });
  } finally {
    await table.close();
  }
};
