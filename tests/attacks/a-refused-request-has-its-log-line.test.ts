import { afterAll, beforeAll, expect, it } from 'vitest';
import { httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';

let issuer: Issuer;
beforeAll(async () => {
  issuer = await startIssuer();
});
afterAll(() => issuer.remove());

it('a doubled assertion is refused, and hides neither the address nor the duration from the log', async () => {
  const answer = await httpClient(issuer.url)('GET', '/health', { headers: { 'x-gateway-assertion': ['a', 'b'] } });
  expect(answer.body).toMatchObject({ status: 400, code: 'header_invalid' });
  const line = await issuer.waitForLine(({ msg, status }) => msg === 'request' && status === 400);
  expect(line).toMatchObject({
    event: 'health',
    address: '127.0.0.1',
    traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
  });
  // Without a start of its own it would be the age of the process.
  expect(line['durationMs']).toBeLessThan(500);
});
