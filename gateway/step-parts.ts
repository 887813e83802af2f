import type { Clock } from '@sallyport/kit/clock';
import type { Log } from '@sallyport/kit/log';
import type { Random } from '@sallyport/kit/random';
import type { Tracing } from '@sallyport/kit/tracing';
import type { AssertionSigner, RevocationFeed } from '@sallyport/verify';
import type { GatewaySettings } from './config.ts';
import type { Refuse } from './dispatcher.ts';
import type { GatewayMetrics } from './metrics.ts';
import type { OpenExchanges } from './open-exchanges.ts';
import type { PacedVerifier } from './paced-verifier.ts';
import type { DemandProof } from './proof/demand-proof.ts';
import type { ProofUses } from './proof/open-proofs.ts';
import type { MakeLimiter } from './rate-limiter.ts';
import type { RouteTable } from './route-table.ts';

export interface GatewayDependencies {
  readonly log: Log;
  readonly metrics: GatewayMetrics;
  readonly clock: Clock;
  readonly random: Random;
  /** Milliseconds that only grow, for durations and limits. */
  readonly elapsedMs: () => number;
  /** Where spans go. Default: nowhere. */
  readonly tracing?: Pick<Tracing, 'draws' | 'record'> | undefined;
  /** Where requests are counted. Default: in this thread. */
  readonly makeLimiter?: MakeLimiter | undefined;
  /** Where it is remembered that a proof of possession was used. */
  readonly proofs: ProofUses;
  /** Whether all that serve the same port are ready, for the answer to `/ready`. Default: whether this gateway is. */
  readonly isProcessReady?: (() => boolean) | undefined;
}

/** What the steps are made of. */
export interface StepParts extends Omit<GatewayDependencies, 'proofs'> {
  readonly settings: GatewaySettings;
  readonly table: Pick<RouteTable, 'find'>;
  readonly signers: ReadonlyMap<string, AssertionSigner>;
  readonly verifier: PacedVerifier;
  readonly demandProof: DemandProof;
  readonly revocations: Pick<RevocationFeed, 'isRevoked'>;
  readonly openExchanges: Pick<OpenExchanges, 'add' | 'remove'>;
  readonly refuse: Refuse;
  readonly isReady: () => boolean;
}
