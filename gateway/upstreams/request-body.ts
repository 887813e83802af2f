import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { Problem } from '@sallyport/contract';

/** More than that of a body is not held in memory: then the service gets it as it comes. */
const gatheredBytes = 65_536;
const gone = new Error('the body will not come');

/**
 * The client's body on its way to a service: counted, with back-pressure. A stream of its own, so that ending it leaves the
 * client's connection alone, on which an answer is still to be written.
 */
export class RequestBody extends Readable {
  readonly #req: IncomingMessage;
  readonly #limitBytes: number;
  #bytes = 0;
  #onGathered: ((error?: Error) => void) | undefined;

  constructor(req: IncomingMessage, limitBytes: number) {
    super({ highWaterMark: gatheredBytes });
    this.#req = req;
    this.#limitBytes = limitBytes;
    req.on('data', this.#onData);
    req.on('end', this.#onEnd);
    req.on('error', this.#onError);
    req.pause();
  }

  /**
   * Calls back once, when the whole body or the first 64 KB of it are here, or will not come. A request has a minute to arrive
   * (`requestTimeout` of the listener): so long its assertion is good, with the leeway.
   */
  gather(onGathered: (error?: Error) => void): void {
    this.#onGathered = onGathered;
    this.#req.resume();
  }

  #gathered(error?: Error): void {
    const onGathered = this.#onGathered;
    this.#onGathered = undefined;
    onGathered?.(error);
  }

  override _read(): void {
    this.#req.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#req.off('data', this.#onData);
    this.#req.off('end', this.#onEnd);
    this.#req.off('error', this.#onError);
    this.#req.pause();
    // Whoever waits is told; a stream's error that nobody listens for would end the process.
    const isAwaited = this.#onGathered !== undefined;
    this.#gathered(error ?? gone);
    callback(isAwaited ? null : error);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#limitBytes) {
      this.destroy(new Problem('body_too_large', { params: { limitBytes: this.#limitBytes } }));
      return;
    }
    if (this.push(chunk)) return;
    this.#req.pause();
    this.#gathered();
  };

  readonly #onEnd = (): void => {
    this.push(null);
    this.#gathered();
  };
  readonly #onError = (error: Error): void => void this.destroy(error);
}
