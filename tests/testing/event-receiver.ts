/** A real receiver of webhooks: it verifies what docs/guides/events.md says that receivers verify, and keeps what it took. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedEvent {
  readonly id: string;
  readonly type: string;
  readonly source: string;
  readonly subject: string;
  readonly time: string;
  readonly dataschema: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface Receiver {
  readonly url: string;
  readonly secret: string;
  /** What the issuer or relay has to be told. */
  readonly settings: Readonly<Record<string, string>>;
  /** Everything that was taken, in the order of its coming, repetitions included. */
  readonly taken: readonly ReceivedEvent[];
  /** Requests whose signature or time was wrong. */
  readonly forged: number;
  /** Judges every event that is about to be taken; 204 takes it. Default: takes all. */
  answer: (event: ReceivedEvent) => number | Promise<number>;
  /** Gone: connections are refused. */
  stop(): Promise<void>;
  /** Back on the same port. */
  start(): Promise<void>;
}

const toleranceSeconds = 300;

export const newWebhookSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`;

export const startReceiver = async (secret: string = newWebhookSecret()): Promise<Receiver> => {
  const taken: ReceivedEvent[] = [];
  let forged = 0;
  let port = 0;
  let server: Server | undefined;

  const receive = async (req: IncomingMessage): Promise<number> => {
    const body = await textOf(req);
    if (!isSigned(req, body, secret)) {
      forged += 1;
      return 401;
    }
    const event = JSON.parse(body) as ReceivedEvent;
    const status = await receiver.answer(event);
    if (status === 204) taken.push(event);
    return status;
  };
  const open = async (): Promise<void> => {
    server = createServer((req, res) => {
      receive(req).then(
        (status) => res.writeHead(status).end(),
        () => res.destroy(),
      );
    }).listen(port, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  };
  await open();
  const url = `http://127.0.0.1:${port}/events`;
  const receiver: Receiver = {
    url,
    secret,
    settings: {
      WEBHOOK_URL: url,
      WEBHOOK_SECRETS: secret,
      WEBHOOK_ALLOW_PRIVATE_ADDRESSES: 'on',
    },
    taken,
    get forged() {
      return forged;
    },
    answer: () => 204,
    stop: async () => {
      const closing = server;
      if (closing === undefined) return;
      server = undefined;
      const closed = once(closing, 'close');
      closing.close();
      closing.closeAllConnections();
      await closed;
    },
    start: open,
  };
  return receiver;
};

/** The first of each id: what a receiver that drops repetitions is left with. */
export const withoutRepetitions = (events: readonly ReceivedEvent[]): readonly ReceivedEvent[] =>
  [...new Map(events.toReversed().map((event) => [event.id, event])).values()].reverse();

const textOf = async (req: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
};

const isSigned = ({ headers }: IncomingMessage, body: string, secret: string): boolean => {
  const [id, timestamp, signatures] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) =>
    String(headers[name]),
  );
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > toleranceSeconds) return false;
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const wanted = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest();
  return String(signatures)
    .split(' ')
    .some((signature) => {
      const given = Buffer.from(signature.replace(/^v1,/, ''), 'base64');
      return given.length === wanted.length && timingSafeEqual(given, wanted);
    });
};
