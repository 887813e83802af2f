import { type ErrorTexts, identityHeaders } from '@sallyport/contract';
import {
  type AssertionKey,
  type AssertionVerifierOptions,
  createAssertionVerifier,
} from '../assertions/verify-assertion.ts';
import { checkOptions } from '../options.ts';
import { assertionKeysFrom } from './environment.ts';
import { type Guard, type OnRefusal, refusals } from './guard.ts';
import { routeMatcher } from './routes.ts';

export interface GuardOptions extends Omit<AssertionVerifierOptions, 'keys'> {
  /** The service's keys; or `env`. */
  readonly keys?: readonly AssertionKey[];
  /** Usually `process.env`: `GATEWAY_ASSERTION_KEYS` or `GATEWAY_ASSERTION_KEYS_FILE` is read from it. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The preset's literal texts. */
  readonly texts?: ErrorTexts;
  /** Routes that admit callers whom nobody has identified. The gateway's assertion is needed there too. Default none. */
  readonly public?: readonly string[];
  /** Routes that need no assertion at all, such as `GET /health`. Default none. */
  readonly unguarded?: readonly string[];
  readonly onRefusal?: OnRefusal;
}

const names = {
  keys: 0,
  env: 0,
  issuer: 0,
  clock: 0,
  leewaySeconds: 0,
  replay: 0,
  texts: 0,
  public: 0,
  unguarded: 0,
  onRefusal: 0,
};

const keysOf = ({ keys, env }: GuardOptions): readonly AssertionKey[] => {
  if ((keys === undefined) === (env === undefined)) throw new TypeError('createGuard: give either keys or env');
  return keys ?? assertionKeysFrom(env ?? {});
};

/**
 * A guard for services behind the gateway, strict: the signed assertion is the one thing it believes. None: 401
 * `assertion_missing`; several, or a wrong one: 401 `assertion_invalid`; one used again: 401 `assertion_replayed`.
 * Routes are written `/path`, `GET /path`, `/path/*`.
 * @throws TypeError for a misspelt option, a route of another form, or missing keys
 */
export const createGuard = (given: GuardOptions): Guard => {
  const options = checkOptions('createGuard', given, ['service'], names);
  const { texts, public: publicRoutes, unguarded, onRefusal, env: _env, ...rest } = options;
  const verifier = createAssertionVerifier({ ...rest, keys: keysOf(options) });
  const isUnguarded = routeMatcher(unguarded);
  const isPublic = routeMatcher(publicRoutes);
  const refuse = refusals(texts, onRefusal);

  const check: Guard['check'] = ({ method, target, values }) => {
    if (isUnguarded(method, target)) return { pass: true, caller: undefined };
    const assertions = values(identityHeaders.assertion);
    // Which of two would a proxy in between have meant? Neither is believed.
    if (assertions.length > 1) return refuse('assertion_invalid', 'ambiguous');
    const verified = verifier.verify(assertions[0], { method, target });
    if (!verified.ok) return refuse(verified.code, verified.reason);
    if (verified.identity.kind === 'anonymous' && !isPublic(method, target)) {
      return refuse('assertion_missing', 'anonymous');
    }
    return { pass: true, caller: verified.identity };
  };

  return Object.freeze({ check });
};
