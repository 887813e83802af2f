import type { ServiceAddress } from '../http1/open-socket.ts';
import type { HttpPool } from '../http1/pool.ts';

export interface TargetOptions {
  readonly origin: string;
  readonly address: ServiceAddress;
  readonly pool: Pick<HttpPool, 'dispatch' | 'endHeld' | 'close'>;
  readonly elapsedMs: () => number;
  /** It went out or came in again. */
  readonly onChange: (target: Target, reason: TargetChange) => void;
}

/** `failing`: requests failed; `unwell`: its health checks did; `well`: they pass again; `answering`: a trial was answered. */
export type TargetChange = 'failing' | 'unwell' | 'well' | 'answering';

/** Failures in a row, without one answer between them. */
const failuresToEject = 5;
const firstEjectionMs = 1000;
const longestEjectionMs = 30_000;

/**
 * One server of a service: what is under way to it, and whether it is in. Requests that fail without an answer take it out, for a
 * time that doubles; then one request tries it. Any answer, a 5xx as well, shows that it works: what the service says is its own
 * affair. A class because it is a lifecycle: in -> out -> on trial -> in.
 */
export class Target {
  readonly origin: string;
  readonly address: ServiceAddress;
  readonly pool: Pick<HttpPool, 'dispatch' | 'endHeld' | 'close'>;
  readonly #elapsedMs: () => number;
  readonly #onChange: TargetOptions['onChange'];
  /** Requests and tunnels under way; counted by whoever sends. */
  pending = 0;
  /** Answers that have begun. */
  answers = 0;
  /** How often it went out because requests failed. */
  ejections = 0;
  #failures = 0;
  #isEjected = false;
  #isUnwell = false;
  #isOnTrial = false;
  #ejectionMs = firstEjectionMs;
  #trialAtMs = 0;

  constructor({ origin, address, pool, elapsedMs, onChange }: TargetOptions) {
    this.origin = origin;
    this.address = address;
    this.pool = pool;
    this.#elapsedMs = elapsedMs;
    this.#onChange = onChange;
  }

  get isIn(): boolean {
    return !this.#isEjected && !this.#isUnwell;
  }

  /** An answer began. */
  answered(): void {
    this.answers += 1;
    this.#failures = 0;
    if (!this.#isEjected && !this.#isOnTrial) return;
    this.#isOnTrial = false;
    this.#comeIn('answering');
  }

  /**
   * A request ended without an answer, and not by its client's doing.
   * @param answersBefore `answers` when it was sent: who has answered others meanwhile is not down, and one slow path takes nobody out
   */
  failed(answersBefore: number): void {
    this.#isOnTrial = false;
    if (!this.isIn || answersBefore !== this.answers) return;
    this.#failures += 1;
    if (this.#failures >= failuresToEject) this.#eject();
  }

  /** Whether one request may try it again; its health checks, if they fail, know better. */
  isDue(nowMs: number): boolean {
    return this.#isEjected && !this.#isUnwell && nowMs >= this.#trialAtMs;
  }

  /** The next request goes to it, although it is out. The wait for the one after that doubles, whether this one hangs or fails. */
  beginTrial(nowMs: number): void {
    this.#isOnTrial = true;
    if (nowMs >= this.#trialAtMs) this.#waitFrom(nowMs);
  }

  /** What its health checks found, after as many in a row as are asked for. */
  setWell(isWell: boolean): void {
    if (this.#isUnwell === !isWell) return;
    if (isWell) this.#comeIn('well');
    else {
      this.#isUnwell = true;
      this.#onChange(this, 'unwell');
    }
  }

  #comeIn(reason: TargetChange): void {
    this.#failures = 0;
    this.#isEjected = false;
    this.#isUnwell = false;
    this.#isOnTrial = false;
    this.#ejectionMs = firstEjectionMs;
    this.#onChange(this, reason);
  }

  #eject(): void {
    this.#isEjected = true;
    this.#waitFrom(this.#elapsedMs());
    this.ejections += 1;
    this.#onChange(this, 'failing');
  }

  #waitFrom(nowMs: number): void {
    this.#trialAtMs = nowMs + this.#ejectionMs;
    this.#ejectionMs = Math.min(this.#ejectionMs * 2, longestEjectionMs);
  }
}
