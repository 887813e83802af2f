/** Whoever may set a webhook, or owns the name in it, must not reach what only the issuer's own network reaches. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type Sabotage, sabotagedIssuer } from '../prove/sabotaged-issuer.ts';
import { type Receiver, startReceiver } from '../testing/event-receiver.ts';
import { httpClient } from '../testing/http-client.ts';
import { startIssuer } from '../testing/issuer.ts';
import { signUp } from '../testing/people.ts';

const patience = { timeout: 20_000, interval: 20 };

let receiver: Receiver;
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.stop());

/** How an issuer fares that is told to post to `localhost`: whether it was refused, or reached the receiver. */
const outcomeOf = async (sabotage?: Sabotage): Promise<'refused' | 'reached'> => {
  const twin = sabotage && sabotagedIssuer(sabotage);
  const { WEBHOOK_ALLOW_PRIVATE_ADDRESSES: _, ...settings } = receiver.settings;
  const url = receiver.url.replace('127.0.0.1', 'localhost');
  const main = twin && `file://${twin.entry}`;
  const issuer = await startIssuer({ ...settings, WEBHOOK_URL: url }, undefined, main);
  try {
    await signUp(httpClient(issuer.url));
    const isRefused = () => issuer.logLines().some(({ reason }) => reason === 'private_address');
    await vi.waitUntil(() => isRefused() || receiver.taken.length > 0, patience);
    return receiver.taken.length > 0 ? 'reached' : 'refused';
  } finally {
    await issuer.remove();
    twin?.remove();
  }
};

it('a webhook to a name of this machine is refused, and nothing is sent', async () => {
  expect(await outcomeOf()).toBe('refused');
});

it('twin: without the look at the address that is connected to, it is reached', async () => {
  const sabotage = {
    file: 'outbox/sinks/webhook/send.ts',
    find: 'if (!allowPrivate && !addresses.every(({ address }) => isPublicAddress(address)))',
    replace: 'if (false)',
  };
  expect(await outcomeOf(sabotage)).toBe('reached');
});
