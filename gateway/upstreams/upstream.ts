import type { Log } from '@sallyport/kit/log';
import { serviceAddress, type Trust } from '../http1/open-socket.ts';
import { createHttpPool } from '../http1/pool.ts';
import { type Choice, chooseAmong } from './choose-target.ts';
import { type HealthOptions, startHealthCheck } from './health-check.ts';
import { Target, type TargetChange } from './target.ts';

export interface UpstreamOptions {
  readonly id: string;
  /** `http://host:port` or `https://…`, one for each of its equal servers; at least one. */
  readonly origins: readonly string[];
  readonly isPlain: boolean;
  readonly isIssuer: boolean;
  readonly connectTimeoutMs: number;
  /** Until the answer begins, and between two parts of it. */
  readonly timeoutMs: number;
  /** To each target. */
  readonly maxConnections: number;
  /** Requests under way, waiting ones included. */
  readonly maxPending: number;
  /** Default: targets are judged by the requests that they answer, alone. */
  readonly health?: HealthOptions;
}

/** Where a request is sent. */
export type Destination = Pick<Target, 'address' | 'pending' | 'answers' | 'answered' | 'failed'> & {
  readonly pool: Pick<Target['pool'], 'dispatch'>;
};

/** How a target is doing. */
export type TargetState = Pick<Target, 'isIn' | 'ejections'>;

export interface Upstream {
  readonly id: string;
  /** Gets the plain signature as well. */
  readonly isPlain: boolean;
  /** Gets credentials and auth cookies. */
  readonly isIssuer: boolean;
  /** As they were given. */
  readonly targets: readonly TargetState[];
  /** Where the next request goes. Undefined: all are out, and another request is trying one just now. */
  choose(): Destination | undefined;
  /** Another target that is in. */
  other(than: Destination): Destination | undefined;
  readonly maxPending: number;
  /** Requests under way; counted by the relay. */
  pending: number;
  /** Requests whose client still sends a body that no target has been told of: not among those. */
  gathering: number;
  /** WebSockets: not among those, and as many at most. */
  tunnels: number;
  /** Ends the request that its own client has held up longest, if for a second or more; false: there is none. */
  relieve(): boolean;
  close(): Promise<void>;
}

export interface UpstreamParts {
  /** Milliseconds that only grow. */
  readonly elapsedMs: () => number;
  readonly log: Pick<Log, 'warn'>;
  /** Whose certificates services may show. Default: the system's list. */
  readonly trust?: Trust | undefined;
}

/** Shorter than that a network may be silent by itself. */
const leastHeldMs = 1000;

/** Opens no connection yet, but those that health checks need. */
export const openUpstream = (options: UpstreamOptions, { elapsedMs, log, trust }: UpstreamParts): Upstream => {
  const { id, origins, health, isPlain, isIssuer, maxPending } = options;
  const onChange = (target: Target, reason: TargetChange): void => {
    choice.update();
    log.warn({ service: id, target: target.origin, in: target.isIn, reason }, 'target of a service changed');
  };
  const targets = origins.map((origin) => openTarget(options, origin, { elapsedMs, onChange, trust }));
  const choice = chooseAmong(targets, elapsedMs);
  const checks = health === undefined ? [] : targets.map((target) => check(target, choice, health));
  return {
    ...{ id, isPlain, isIssuer, targets, maxPending },
    choose: choice.choose,
    other: choice.other,
    pending: 0,
    gathering: 0,
    tunnels: 0,
    relieve: () => targets.some(({ pool }) => pool.endHeld(leastHeldMs)),
    // The listener has drained before: what is still open has outlived the stop's time limit.
    close: async () => {
      for (const one of checks) one.close();
      for (const { pool } of targets) pool.close();
    },
  };
};

type TargetParts = Pick<ConstructorParameters<typeof Target>[0], 'elapsedMs' | 'onChange'> &
  Pick<UpstreamParts, 'trust'>;

const openTarget = (options: UpstreamOptions, origin: string, { trust, ...parts }: TargetParts): Target => {
  const { maxConnections, connectTimeoutMs, timeoutMs: answerTimeoutMs } = options;
  const address = serviceAddress(origin, trust);
  const pool = createHttpPool({ address, maxConnections, connectTimeoutMs, answerTimeoutMs });
  return new Target({ origin, address, pool, ...parts });
};

const check = (target: Target, choice: Choice, health: HealthOptions) =>
  startHealthCheck(health, {
    address: target.address,
    onResult: (isWell) => {
      // The last one stays whatever its checks say: a wrong path must not stop a service that answers.
      if (isWell || choice.other(target) !== undefined) target.setWell(isWell);
    },
  });
