import { type RequestTrace, tracedFetch } from '@sallyport/client/traced-fetch';
import { expect, it } from 'vitest';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const click = `00-${traceId}-00f067aa0ba902b7-01`;

/** What the `fetch` below it was given. */
const recording = () => {
  const sent: { headers: Headers; method: string | undefined }[] = [];
  const fetch: typeof globalThis.fetch = async (_input, init) => {
    sent.push({ headers: new Headers(init?.headers), method: init?.method });
    return new Response('{}');
  };
  return { sent, fetch };
};

it('opens a trace for each request, keeps the request as it was, and tells of it', async () => {
  const { sent, fetch } = recording();
  const told: RequestTrace[] = [];
  const traced = tracedFetch({ fetch, onRequest: (trace) => told.push(trace) });
  await traced('https://api.example/x', { method: 'POST', headers: { 'x-csrf-token': 't' } });
  await traced(new Request('https://api.example/y', { headers: { accept: 'text/plain' } }));
  const [first, second] = sent;
  expect(first?.headers.get('traceparent')).toBe(`00-${told[0]?.traceId}-${told[0]?.spanId}-00`);
  expect([first?.method, first?.headers.get('x-csrf-token'), second?.headers.get('accept')]).toEqual([
    ...['POST', 't', 'text/plain'],
  ]);
  expect(told[0]?.traceId).not.toBe(told[1]?.traceId);
});

it('stays in the trace of a span that is given, and leaves a header that is there', async () => {
  const { sent, fetch } = recording();
  const traced = tracedFetch({ fetch, parent: () => click });
  await traced('https://api.example/x');
  await traced('https://api.example/x', { headers: { traceparent: 'mine' } });
  expect(sent[0]?.headers.get('traceparent')).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
  expect(sent[0]?.headers.get('traceparent')).not.toBe(click);
  expect(sent[1]?.headers.get('traceparent')).toBe('mine');
});

it.each([
  undefined,
  '',
  'nonsense',
  click.toUpperCase(),
  `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
  `${click}\r\nx: y`,
])('opens one of its own where %j is given', async (parent) => {
  const { sent, fetch } = recording();
  await tracedFetch({ fetch, parent: () => parent })('https://api.example/x');
  expect(sent[0]?.headers.get('traceparent')).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  expect(sent[0]?.headers.get('traceparent')).not.toContain(traceId);
});
