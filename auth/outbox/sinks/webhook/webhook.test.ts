/** Over real connections: what goes out, and where it does not go. */

import type { LookupAddress, lookup } from 'node:dns';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { newWebhookSecret } from '@sallyport/tests/testing/event-receiver';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CloudEvent, SinkParts } from '../sink.ts';
import { createSender, type SenderOptions } from './send.ts';
import { webhookKey, webhookSecretsOf } from './signature.ts';
import { createWebhookSink } from './webhook.ts';

interface Seen {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

let server: Server;
let port: number;
let seen: Seen[] = [];
let answer: (res: ServerResponse) => void;
beforeAll(async () => {
  server = createServer((req, res) => {
    let body = '';
    req.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    req.on('end', () => {
      seen.push({ headers: req.headers, body });
      answer(res);
    });
  }).listen(0);
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  seen = [];
  answer = (res) => res.writeHead(204).end();
});

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});
const [current, next] = [newWebhookSecret(), newWebhookSecret()];
const sinkTo = (url: string, options: Partial<SenderOptions> & SinkParts = {}, secrets = current) => {
  const { traceparent, ...rest } = options;
  const sender = createSender({ url, allowPrivate: true, timeoutMs: 20_000, connections: 4, ...rest });
  closing.push(sender.close);
  const keys = webhookSecretsOf(secrets).flatMap((secret) => webhookKey(secret) ?? []);
  return createWebhookSink({ sender, keys, nowMs: Date.now, traceparent });
};
const eventOf = (id: string, subject = 'u'): CloudEvent => ({
  ...{ specversion: '1.0', id, type: 'USER_DELETED', source: '/auth', subject, time: '2026-11-28T13:00:00.000Z' },
  ...{ datacontenttype: 'application/json', dataschema: 'urn:x', extensions: { realmid: 'main' } },
  data: '{"user_id":"u","note":"ü"}',
});
const never = new AbortController().signal;
const deliver = (sink: ReturnType<typeof sinkTo>, ...events: readonly CloudEvent[]) => sink.deliver(events, never);

interface Guide {
  isFromIssuer(headers: IncomingHttpHeaders, body: string, secrets: readonly string[]): boolean;
}
const copied = fileURLToPath(new URL('../../../../test-output/guide/verify-webhook.ts', import.meta.url));

describe('a webhook', () => {
  it('takes along the trace of its delivery where there is one', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    await deliver(sinkTo(`http://127.0.0.1:${port}/`, { traceparent: () => traceparent }), eventOf('e1'));
    await deliver(sinkTo(`http://127.0.0.1:${port}/`, { traceparent: () => undefined }), eventOf('e2'));
    expect(seen.map(({ headers }) => headers['traceparent'])).toEqual([traceparent, undefined]);
  });

  it('is what the code of the guide, copied and pasted, believes; and nothing that was changed or is old', async () => {
    const guide = readFileSync(new URL('../../../../docs/guides/events.md', import.meta.url), 'utf8');
    const [, code = ''] = /```ts\n([\s\S]*?)```/.exec(guide) ?? [];
    mkdirSync(fileURLToPath(new URL('.', `file://${copied}`)), { recursive: true });
    writeFileSync(copied, code);
    const { isFromIssuer } = (await import(/* @vite-ignore */ copied)) as Guide;
    rmSync(copied);

    expect(await deliver(sinkTo(`http://127.0.0.1:${port}/`, {}, `${next} ${current}`), eventOf('e1'))).toEqual([
      { outcome: 'delivered' },
    ]);
    const [{ headers, body } = { headers: {}, body: '' }] = seen;
    expect(JSON.parse(body)).toMatchObject({ id: 'e1', data: { note: 'ü' }, realmid: 'main' });
    expect(headers).toMatchObject({
      'webhook-id': 'e1',
      'content-type': 'application/cloudevents+json; charset=utf-8',
    });
    // Either secret will do while it is changed.
    for (const secret of [current, next]) expect(isFromIssuer(headers, body, [secret])).toBe(true);
    expect(isFromIssuer(headers, body, [newWebhookSecret()])).toBe(false);
    expect(isFromIssuer(headers, body.replace('USER_DELETED', 'USER_CREATED'), [current])).toBe(false);
    expect(isFromIssuer({ ...headers, 'webhook-id': 'e2' }, body, [current])).toBe(false);
    const old = String(Number(headers['webhook-timestamp']) - 301);
    expect(isFromIssuer({ ...headers, 'webhook-timestamp': old }, body, [current])).toBe(false);
    expect(isFromIssuer({}, body, [current])).toBe(false);
  });

  it('follows no redirect', async () => {
    answer = (res) => res.writeHead(307, { location: `http://127.0.0.1:${port}/elsewhere` }).end();
    expect(await deliver(sinkTo(`http://127.0.0.1:${port}/`), eventOf('e1'))).toEqual([
      { outcome: 'unavailable', reason: 'status_307' },
    ]);
    expect(seen).toHaveLength(1);
  });

  it('waits no longer than its limit, and ends with the signal', async () => {
    answer = () => undefined;
    expect(await deliver(sinkTo(`http://127.0.0.1:${port}/`, { timeoutMs: 100 }), eventOf('e1'))).toEqual([
      { outcome: 'unavailable', reason: 'timeout' },
    ]);
    const cut = new AbortController();
    const sending = sinkTo(`http://127.0.0.1:${port}/`).deliver([eventOf('e2'), eventOf('e3')], cut.signal);
    await expect.poll(() => seen.length, { timeout: 20_000 }).toBe(2);
    cut.abort();
    expect(await sending).toEqual([
      { outcome: 'unavailable', reason: 'stopped' },
      { outcome: 'unavailable', reason: 'not_tried' },
    ]);
  });

  it('reads no endless answer, and uses a connection again after a short one', async () => {
    answer = (res) => {
      res.writeHead(200);
      const write = (): void => {
        if (res.destroyed) return;
        res.write('x'.repeat(65_536));
        setImmediate(write);
      };
      write();
    };
    const sink = sinkTo(`http://127.0.0.1:${port}/`);
    expect(await deliver(sink, eventOf('e1'))).toEqual([{ outcome: 'delivered' }]);
    const connections = () => new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)));
    await expect.poll(connections, { timeout: 20_000 }).toBe(0);
    answer = (res) => res.writeHead(200).end('{"ok":true}');
    for (const id of ['e2', 'e3', 'e4']) await deliver(sink, eventOf(id));
    expect(await connections()).toBe(1);
  });

  it('sends nothing more of a user after what was not taken, and goes on with others', async () => {
    answer = (res) => res.writeHead(String(seen.at(-1)?.headers['webhook-id']).startsWith('bad') ? 422 : 204).end();
    const events = [eventOf('bad1', 'a'), eventOf('a2', 'a'), eventOf('b1', 'b'), eventOf('b2', 'b')];
    expect((await deliver(sinkTo(`http://127.0.0.1:${port}/`), ...events)).map(({ outcome }) => outcome)).toEqual([
      ...['rejected', 'unavailable', 'delivered', 'delivered'],
    ]);
  });
});

describe('a webhook goes to no private address', () => {
  const refusal = [{ outcome: 'unavailable', reason: 'private_address' }];
  it.each(['http://127.0.0.1', 'http://[::1]', 'http://[::ffff:127.0.0.1]', 'http://2130706433', 'http://localhost'])(
    'by the name of %s',
    async (origin) => {
      expect(await deliver(sinkTo(`${origin}:${port}/`, { allowPrivate: false }), eventOf('e1'))).toEqual(refusal);
      expect(seen).toEqual([]);
    },
  );

  it('not even when the name stood for a public one a moment ago', async () => {
    const answers: LookupAddress[][] = [
      [{ address: '192.0.43.8', family: 4 }],
      [
        { address: '192.0.43.8', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ],
      [{ address: '::ffff:127.0.0.1', family: 6 }],
      [{ address: '127.0.0.1', family: 4 }],
    ];
    const asked: string[] = [];
    const resolve = ((name: string, _: object, done: (error: null, found: LookupAddress[]) => void) => {
      asked.push(name);
      done(null, answers.shift() ?? []);
    }) as unknown as typeof lookup;
    const sink = sinkTo(`http://rebound.example:${port}/`, { allowPrivate: false, resolve, timeoutMs: 300 });
    // Nobody is reached there; what matters is that it was not refused.
    expect((await deliver(sink, eventOf('e1')))[0]).not.toMatchObject(refusal[0] ?? {});
    for (const id of ['e2', 'e3', 'e4']) expect(await deliver(sink, eventOf(id))).toEqual(refusal);
    expect(asked).toHaveLength(4);
    expect(seen).toEqual([]);
  });
});
