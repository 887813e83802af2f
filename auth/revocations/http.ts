/** The feed's door on the private listener: translates, nothing else. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Problem, sdkHeaderName } from '@sallyport/contract';
import type { NamedKey } from '@sallyport/kit/config';
import { StoreUnavailable } from '@sallyport/storage/contracts/store';
import type { Feed } from './feed.ts';
import { subscriberOf } from './feed-token.ts';

export interface RevocationsHttpOptions {
  readonly feed: Feed;
  readonly rootKeys: readonly NamedKey[];
  /** With the SDK that it names. */
  readonly onSubscribe: (subscriber: string, sdk: string | undefined) => void;
  /** Subscriptions at once. One subscriber has half of them at most: who gets hold of its token shuts nobody out. Default 1,000. */
  readonly maxSubscriptions?: number;
}

/** What may wait for a subscriber that does not read; it comes back with its cursor. */
const maxWaitingBytes = 4 * 1024 * 1024;
/** A subscriber that takes nothing for this long in the middle of its snapshot is given up. */
const maxDrainMs = 10_000;

export const createRevocationsHttp = (options: RevocationsHttpOptions) => {
  const { feed, rootKeys, onSubscribe, maxSubscriptions = 1000 } = options;
  const held = new Map<string, number>();

  const admit = (subscriber: string, res: ServerResponse): void => {
    const mine = held.get(subscriber) ?? 0;
    if (feed.subscribers >= maxSubscriptions || mine >= maxSubscriptions / 2) {
      throw new Problem('busy', { retryAfterSeconds: 5 });
    }
    held.set(subscriber, mine + 1);
    res.once('close', () => {
      const left = (held.get(subscriber) ?? 1) - 1;
      if (left > 0) held.set(subscriber, left);
      else held.delete(subscriber);
    });
  };

  return async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const subscriber = subscriberOf(bearerOf(req), rootKeys);
    if (subscriber === undefined) throw new Problem('token_invalid');
    admit(subscriber, res);
    res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
    res.flushHeaders();
    req.socket.setNoDelay(true);
    const sink = {
      write: (event: string): boolean => {
        res.write(event);
        return res.writableLength <= maxWaitingBytes;
      },
      drained: () => drained(res),
      // Who does not read would keep what waits, and its connection, for as long as it likes.
      end: () => void (res.writableNeedDrain ? res.destroy() : res.end()),
    };
    try {
      const leave = await feed.subscribe(sink, singleLine(req.headers['last-event-id']));
      onSubscribe(subscriber, singleLine(req.headers[sdkHeaderName]));
      res.once('close', leave);
      if (res.destroyed) leave();
    } catch (error) {
      // The head is out: the subscriber comes back by itself.
      res.destroy();
      if (!(error instanceof StoreUnavailable)) throw error;
    }
  };
};

const drained = async (res: ServerResponse): Promise<boolean> => {
  if (res.destroyed || !res.writableNeedDrain) return !res.destroyed;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const onDrain = (): void => resolve(true);
  const onClose = (): void => resolve(false);
  const timer = setTimeout(onClose, maxDrainMs);
  res.once('drain', onDrain).once('close', onClose);
  const isDrained = await promise;
  clearTimeout(timer);
  res.off('drain', onDrain).off('close', onClose);
  return isDrained;
};

const bearerOf = ({ headers }: IncomingMessage): string => {
  const [, token = ''] = /^Bearer ([A-Za-z0-9._-]{1,200})$/i.exec(headers.authorization ?? '') ?? [];
  return token;
};

const singleLine = (value: string | readonly string[] | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined;
