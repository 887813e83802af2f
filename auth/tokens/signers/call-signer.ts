/**
 * The way to a signer: calls side by side and calls that wait are bounded in number, all of them in time, and one that fails on its
 * connection is made once more on a fresh one. No signature leaves it that the public half does not verify. Never: blocks the event loop.
 */
import { type KeyObject, verify } from 'node:crypto';
import { Problem } from '@sallyport/contract';
import type { AsymmetricAlgorithm } from '../private-key.ts';
import { type Signer, SignerFailure, type SignerFailureReason } from '../signer.ts';

export interface CallSignerOptions {
  readonly signer: Signer;
  readonly algorithm: AsymmetricAlgorithm;
  readonly parallel: number;
  readonly maxWaiting: number;
  /** For a call with all that belongs to it: the wait, the second try. */
  readonly timeoutMs: number;
  readonly onSigned: (seconds: number) => void;
  readonly onFailed: (failure: SignerFailure) => void;
}

export interface SignerCalls {
  /** @throws Problem `signer_unavailable`, 503 with Retry-After */
  sign(reference: string, publicKey: KeyObject, input: Buffer): Promise<Buffer>;
  /** Signatures that wait for a place. */
  readonly waiting: number;
}

const retryAfterSeconds = 2;

export const signerUnavailable = (cause: unknown): Problem =>
  new Problem('signer_unavailable', { params: { retryAfterSeconds }, retryAfterSeconds, cause });

export const createSignerCalls = (options: CallSignerOptions): SignerCalls => {
  const { signer, algorithm, timeoutMs } = options;
  const enter = createLine(options);

  const attempt = async (reference: string, input: Buffer, endsAtMs: number, fresh: boolean): Promise<Buffer> => {
    // The second half is for the second try.
    const leftMs = endsAtMs - performance.now();
    const ownMs = fresh ? leftMs : Math.min(leftMs, timeoutMs / 2);
    return withinTime(ownMs, (signal) => signer.sign({ reference, algorithm, input, signal, fresh }));
  };

  const signed = async (reference: string, publicKey: KeyObject, input: Buffer): Promise<Buffer> => {
    const endsAtMs = performance.now() + timeoutMs;
    const leave = await enter.place(timeoutMs);
    try {
      const signature = await attempt(reference, input, endsAtMs, false).catch((error: unknown) => {
        if (!isConnection(error) || performance.now() >= endsAtMs) throw error;
        return attempt(reference, input, endsAtMs, true);
      });
      if (!(await verifies(algorithm, publicKey, input, signature)))
        throw new SignerFailure('malformed', 'the signature is not one of the key that was asked for');
      return signature;
    } finally {
      leave();
    }
  };

  return {
    sign: async (reference, publicKey, input) => {
      const startedAt = performance.now();
      try {
        const signature = await signed(reference, publicKey, input);
        options.onSigned((performance.now() - startedAt) / 1000);
        return signature;
      } catch (error) {
        const failure =
          error instanceof SignerFailure ? error : new SignerFailure('unavailable', 'the signer failed', error);
        options.onFailed(failure);
        throw signerUnavailable(failure);
      }
    },
    get waiting() {
      return enter.waiting;
    },
  };
};

const connectionReasons: ReadonlySet<SignerFailureReason> = new Set(['connection', 'timeout']);
const isConnection = (error: unknown): boolean => error instanceof SignerFailure && connectionReasons.has(error.reason);

/** Whatever the adapter does about the signal. */
export const withinTime = async <T>(limitMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => {
        reject(new SignerFailure('timeout', `no answer within ${Math.round(limitMs)} ms`));
        controller.abort();
      },
      Math.max(0, limitMs),
    );
  });
  try {
    return await Promise.race([work(controller.signal), over]);
  } finally {
    clearTimeout(timer);
  }
};

/** Places side by side, and a line before them. */
const createLine = ({ parallel, maxWaiting }: Pick<CallSignerOptions, 'parallel' | 'maxWaiting'>) => {
  const line: (() => void)[] = [];
  let active = 0;
  const leave = (): void => {
    const next = line.shift();
    if (next === undefined) active -= 1;
    else next();
  };
  return {
    get waiting() {
      return line.length;
    },
    place: (limitMs: number): Promise<() => void> => {
      if (active < parallel) {
        active += 1;
        return Promise.resolve(leave);
      }
      if (line.length >= maxWaiting)
        return Promise.reject(new SignerFailure('queue_full', `${maxWaiting} signatures wait already`));
      return new Promise((resolve, reject) => {
        const admit = (): void => {
          clearTimeout(timer);
          resolve(leave);
        };
        const timer = setTimeout(() => {
          line.splice(line.indexOf(admit), 1);
          reject(new SignerFailure('queue_full', `no place within ${limitMs} ms`));
        }, limitMs);
        line.push(admit);
      });
    },
  };
};

/** In the thread pool: an RSA key of 4096 bits would hold the event loop for a tenth of a millisecond. */
const verifies = (
  algorithm: AsymmetricAlgorithm,
  key: KeyObject,
  input: Buffer,
  signature: Buffer,
): Promise<boolean> => {
  const hash = algorithm === 'EdDSA' ? null : 'sha256';
  const how = algorithm === 'PS256' ? { padding: 6, saltLength: 32 } : {};
  return new Promise((resolve, reject) => {
    verify(hash, input, { key, dsaEncoding: 'ieee-p1363', ...how }, signature, (error, isRight) =>
      error ? reject(error) : resolve(isRight),
    );
  });
};
