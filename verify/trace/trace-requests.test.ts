import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as api from '@opentelemetry/api';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Caller } from '../guard/guard.ts';
import { traceFields, traceHeaders, traceOf } from './trace-of.ts';
import { traceRequests } from './trace-requests.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;

describe('traceOf', () => {
  it('reads a request of node:http and one of the fetch API', () => {
    for (const headers of [{ traceparent }, new Headers({ traceparent })]) {
      expect(traceFields({ headers })).toEqual({ traceId, spanId: '00f067aa0ba902b7' });
      expect(traceHeaders({ headers })).toEqual({ traceparent });
    }
  });

  it.each([
    {},
    { traceparent: 'nonsense' },
    { traceparent: [traceparent, traceparent] },
    { traceparent: `${traceparent}\r\nx: y` },
  ])('finds none in %j', (headers) => {
    expect([traceOf({ headers }), traceFields({ headers }), traceHeaders({ headers })]).toEqual([undefined, {}, {}]);
  });
});

const serve = async (caller: Caller) => {
  const traced = traceRequests(api);
  const server = createServer((request, response) =>
    traced(
      { request, response, caller, route: () => '/x' },
      () => void response.end(JSON.stringify(traceFields(request))),
    ),
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return async (): Promise<unknown> => (await fetch(url, { headers: { traceparent, connection: 'close' } })).json();
};

describe('traceRequests without an OpenTelemetry SDK', () => {
  it('serves all the same, and the trace is still the caller’s', async () => {
    const vouched = { kind: 'anonymous', gateway: 'gateway', clientAddress: '192.0.2.1' } as Caller;
    for (const caller of [vouched, undefined]) {
      expect(await (await serve(caller))()).toEqual({ traceId, spanId: '00f067aa0ba902b7' });
    }
  });
});
