import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { Problem } from '@sallyport/contract';

/**
 * The client's body on its way to a service: counted, with back-pressure. A stream of its own, so that ending it leaves the
 * client's connection alone, on which an answer is still to be written.
 */
export class RequestBody extends Readable {
  readonly #req: IncomingMessage;
  readonly #limitBytes: number;
  #bytes = 0;

  constructor(req: IncomingMessage, limitBytes: number) {
    super({ highWaterMark: 65_536 });
    this.#req = req;
    this.#limitBytes = limitBytes;
    req.on('data', this.#onData);
    req.on('end', this.#onEnd);
    req.on('error', this.#onError);
    req.pause();
  }

  override _read(): void {
    this.#req.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#req.off('data', this.#onData);
    this.#req.off('end', this.#onEnd);
    this.#req.off('error', this.#onError);
    this.#req.pause();
    callback(error);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#limitBytes) {
      this.destroy(new Problem('body_too_large', { params: { limitBytes: this.#limitBytes } }));
      return;
    }
    if (!this.push(chunk)) this.#req.pause();
  };

  readonly #onEnd = (): void => void this.push(null);
  readonly #onError = (error: Error): void => void this.destroy(error);
}
