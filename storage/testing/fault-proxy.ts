/**
 * A bad network between a store and its server, for tests: a TCP proxy on a free port of the loopback that passes on what it is given, late,
 * or not at all. It knows no protocol: whoever cuts an answer names bytes that only that request holds.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface FaultProxy {
  readonly port: number;
  /** The server's URL, with the proxy where its address was. */
  readonly url: string;
  /** Everything arrives this much later, each way. */
  delay(ms: number): void;
  /**
   * The next request that holds the text reaches the server and is carried out there: instead of the first byte of its answer the
   * client finds its connection reset. Resolves then.
   */
  loseAnswerTo(text: string): Promise<void>;
  /** The next request that holds the text does not reach the server: the connection is reset. Resolves then. */
  loseRequestWith(text: string): Promise<void>;
  /**
   * New connections are accepted, and nothing that is sent on any arrives, without a word to either side. Those that have lost
   * something stay silent for ever, as behind a firewall that forgot them; so only new ones serve after `heal`.
   */
  swallow(): void;
  heal(): void;
  /** Resets every connection that there is. */
  cut(): void;
  stop(): Promise<void>;
}

/** A fault that waits for its request. */
interface Armed {
  readonly text: string;
  readonly loses: 'answer' | 'request';
  readonly happened: () => void;
}

interface Faults {
  delayMs: number;
  swallows: boolean;
  armed: Armed | undefined;
}

/** @param url of the server: `postgres://…`, `redis://…`, `mysql://…`, `http://…`; its host may be any name of the loopback */
export const startFaultProxy = async (url: string): Promise<FaultProxy> => {
  const target = new URL(url);
  const faults: Faults = { delayMs: 0, swallows: false, armed: undefined };
  const links = new Set<Link>();
  const server = createServer({ noDelay: true }, (client) => {
    const link = openLink(client, connect({ host: target.hostname, port: Number(target.port), noDelay: true }), faults);
    links.add(link);
    client.once('close', () => links.delete(link));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  const arm = (loses: Armed['loses'], text: string): Promise<void> => {
    if (faults.armed !== undefined) throw new Error('another request is waited for');
    return new Promise((happened) => {
      faults.armed = { text, loses, happened };
    });
  };
  const cut = (): void => {
    for (const link of links) link.reset();
  };
  const proxied = new URL(url);
  proxied.hostname = '127.0.0.1';
  proxied.port = String(port);
  return {
    port,
    url: proxied.href,
    delay: (ms) => {
      faults.delayMs = ms;
    },
    loseAnswerTo: (text) => arm('answer', text),
    loseRequestWith: (text) => arm('request', text),
    swallow: () => {
      faults.swallows = true;
    },
    heal: () => {
      faults.swallows = false;
    },
    cut,
    stop: async () => {
      server.close();
      cut();
      await once(server, 'close');
    },
  };
};

interface Link {
  reset(): void;
}

const openLink = (client: Socket, server: Socket, faults: Faults): Link => {
  let silent = false;
  let answerIsLost: Armed | undefined;

  const reset = (): void => {
    client.resetAndDestroy();
    server.resetAndDestroy();
  };

  /** In order, also where the delay has been made shorter meanwhile: whatever waits is waited for. */
  const passOn = (to: Socket): ((chunk: Buffer) => void) => {
    const late: { readonly chunk: Buffer; readonly atMs: number }[] = [];
    const deliver = (): void => {
      for (let [next] = late; next !== undefined; [next] = late) {
        const leftMs = next.atMs - performance.now();
        if (leftMs > 0) {
          setTimeout(deliver, leftMs);
          return;
        }
        late.shift();
        if (!silent && to.writable) to.write(next.chunk);
      }
    };
    return (chunk) => {
      if (faults.swallows) silent = true;
      if (silent) return;
      if (late.push({ chunk, atMs: performance.now() + faults.delayMs }) === 1) deliver();
    };
  };
  const toServer = passOn(server);
  const toClient = passOn(client);

  const onRequest = (chunk: Buffer): void => {
    const { armed } = faults;
    const isMeant = armed?.text !== undefined && chunk.includes(armed.text);
    if (isMeant) faults.armed = undefined;
    if (isMeant && armed.loses === 'request') {
      reset();
      armed.happened();
      return;
    }
    if (isMeant) answerIsLost = armed;
    toServer(chunk);
  };
  const onAnswer = (chunk: Buffer): void => {
    if (answerIsLost === undefined) {
      toClient(chunk);
      return;
    }
    reset();
    answerIsLost.happened();
  };

  client.on('data', onRequest);
  server.on('data', onAnswer);
  for (const [side, other] of [
    [client, server],
    [server, client],
  ] as const) {
    side.on('error', () => undefined);
    // Of a connection that has fallen silent the other side hears nothing any more, not even its end.
    side.on('end', () => !silent && other.end());
    side.on('close', () => !silent && other.destroy());
  }
  client.once('close', () => server.destroy());
  return { reset };
};
