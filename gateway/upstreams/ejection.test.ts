import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bearer, type Rig, send, startGateway, statusesOf, unsafe } from '../testing/rig.ts';

const env = { UPSTREAM_TIMEOUT_SECONDS: '1' };
const times = 6;

const ejections = async ({ privateUrl }: Rig): Promise<string | undefined> => {
  const text = await (await fetch(`${privateUrl}/metrics`)).text();
  return text.match(/upstream_ejections_total\{service="payment-service",target="0"\} (\d+)/)?.[1];
};

/** Answers everything but what asks it to hang. */
const startHanging = () =>
  startGateway(env, (req, res) => {
    req.on('error', () => res.destroy()).resume();
    if (!req.url?.endsWith('hang')) req.on('end', () => res.end('ok'));
  });

const ask = async (gateway: Rig, query: string): Promise<number> =>
  (await send(gateway, `/api/v1/payments?${query}`, { headers: bearer() })).status;

const hang = (gateway: Rig): Promise<number[]> =>
  Promise.all(Array.from({ length: times }, () => ask(gateway, 'hang')));

/** So much of a body is gathered before a service hears of it. */
const firstPart = 'x'.repeat(70_000);

describe('time-outs', () => {
  it('take a server out that answers nobody', async () => {
    const gateway = await startHanging();
    expect(await hang(gateway)).toEqual(Array.from({ length: times }, () => 504));
    expect(await ejections(gateway)).toBe('1');
  });

  it('leave it in while it answers others: nobody takes a service out with its one slow path', async () => {
    const gateway = await startHanging();
    const hanging = hang(gateway);
    await sleep(300);
    expect(await ask(gateway, 'quick')).toBe(200);
    expect(await hanging).toEqual(Array.from({ length: times }, () => 504));
    expect(await ejections(gateway)).toBe('0');
  });

  it('leave it in where clients do not send their bodies: nobody takes a service out by keeping it waiting', async () => {
    const gateway = await startHanging();
    const head = Object.entries(unsafe()).map(([name, value]) => `${name}: ${value}\r\n`);
    const answers = Array.from({ length: times }, async () => {
      const socket = connect(gateway.port, '127.0.0.1').setEncoding('latin1');
      onTestFinished(() => void socket.destroy());
      let text = '';
      socket.on('data', (part: string) => {
        text += part;
      });
      socket.write(
        `POST /api/v1/payments HTTP/1.1\r\nhost: a\r\ncontent-length: 99999\r\n${head.join('')}\r\n${firstPart}`,
      );
      await expect.poll(() => statusesOf(text), { timeout: 5000 }).toEqual([504]);
    });
    await Promise.all(answers);
    expect(await ejections(gateway)).toBe('0');
  });
});
