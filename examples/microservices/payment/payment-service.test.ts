import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { notificationService } from '../notification/service.ts';
import { newFolder, newUserId, removeFolders, type Started, startReal, unknownId, until } from '../testing/rig.ts';
import { paymentService } from './service.ts';

let payments: Started;
let notifications: Started;
const notificationOffset = String(randomInt(10_000, 20_000));
const notificationFolder = newFolder();
const startNotifications = () =>
  startReal(notificationService, {
    SALLYPORT_PORT_OFFSET: notificationOffset,
    SALLYPORT_DATA_DIR: notificationFolder,
  });
const startPayments = (more: Readonly<Record<string, string>> = {}) =>
  startReal(paymentService, { NOTIFICATION_PRIVATE_URL: notifications.urls.private, ...more });

beforeAll(async () => {
  notifications = await startNotifications();
  payments = await startPayments();
});
afterAll(async () => {
  await payments.stop();
  await notifications.stop();
  removeFolders();
});

const textsOf = async (user: string): Promise<readonly unknown[]> => {
  const { body } = await notifications.as(user)('GET', '/notifications');
  return (body['notifications'] as { text: string }[]).map(({ text }) => text);
};
const tea = { amount: 12.34, currency: 'EUR', description: 'tea' };
const idOf = (body: Readonly<Record<string, unknown>>): string => (body['payment'] as { id: string }).id;

describe('payments', () => {
  it('are stored for their user, newest first, and shown to nobody else', async () => {
    const [ada, eve] = [newUserId(), newUserId()];
    expect((await payments.as(ada)('GET', '/payments')).body).toEqual({ payments: [] });
    const first = await payments.as(ada)('POST', '/payments', { body: tea });
    expect([first.status, first.body['payment']]).toEqual([201, expect.objectContaining(tea)]);
    await payments.as(ada)('POST', '/payments', { body: { amount: 500, currency: 'JPY' } });
    const { body } = await payments.as(ada)('GET', '/payments');
    expect(body['payments']).toEqual([
      expect.objectContaining({ amount: 500, currency: 'JPY', description: '' }),
      expect.objectContaining(tea),
    ]);
    const one = await payments.as(ada)('GET', `/payments/${idOf(first.body)}`);
    expect(one.body).toEqual({ payment: first.body['payment'] });
    expect((await payments.as(eve)('GET', '/payments')).body).toEqual({ payments: [] });
    for (const [caller, id] of [
      [eve, idOf(first.body)],
      [ada, unknownId()],
      [ada, 'x'],
    ] as const) {
      const answer = await payments.as(caller)('GET', `/payments/${id}`);
      expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } });
    }
  });

  it('come a hundred at a time', async () => {
    const call = payments.as(newUserId());
    for (let count = 0; count < 103; count += 1) await call('POST', '/payments', { body: tea });
    const page = (await call('GET', '/payments')).body['payments'] as { id: string }[];
    expect(page).toHaveLength(100);
    const rest = await call('GET', `/payments?before=${page.at(-1)?.id}`);
    expect(rest.body['payments']).toHaveLength(3);
    expect(await call('GET', '/payments?limit=5')).toMatchObject({ status: 400, body: { code: 'query_invalid' } });
  });

  it.each([
    ['nothing', {}],
    ['no currency', { amount: 1 }],
    ['no amount', { currency: 'EUR' }],
    ['zero', { ...tea, amount: 0 }],
    ['less than nothing', { ...tea, amount: -1 }],
    ['an amount as text', { ...tea, amount: '1' }],
    ['more money than there is', { ...tea, amount: 1e300 }],
    ['a third of a cent', { ...tea, amount: 0.333 }],
    ['a tenth of a yen', { amount: 0.1, currency: 'JPY' }],
    ['a currency in small letters', { ...tea, currency: 'eur' }],
    ['a currency that there is not', { ...tea, currency: 'ZZZ' }],
    ['a description too long', { ...tea, description: 'x'.repeat(501) }],
    ['somebody else’s name', { ...tea, user_id: newUserId() }],
  ])('refuse %s: 400 Invalid request body, and store nothing', async (_name, body) => {
    const call = payments.as(newUserId());
    const answer = await call('POST', '/payments', { body });
    expect(answer).toMatchObject({ status: 400, body: { error: 'Invalid request body' } });
    expect((await call('GET', '/payments')).body).toEqual({ payments: [] });
  });

  it('refuse an amount that JSON cannot hold', async () => {
    const call = payments.as(newUserId());
    const answer = await call('POST', '/payments', { raw: '{"amount":1e999,"currency":"EUR"}' });
    expect(answer.status).toBe(400);
  });
});

describe('a payment makes one notification', () => {
  it('which its user reads, and nobody else', async () => {
    const [ada, eve] = [newUserId(), newUserId()];
    const { body } = await payments.as(ada)('POST', '/payments', { body: tea });
    await until('it is there', async () => (await textsOf(ada)).length === 1);
    expect(await textsOf(ada)).toEqual(['Payment of 12.34 EUR received']);
    expect(await textsOf(eve)).toEqual([]);
    const path = `/notifications/${idOf(body)}/read`;
    expect(await notifications.as(eve)('POST', path)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    const read = await notifications.as(ada)('POST', path);
    expect(read.body).toMatchObject({ notification: { read: true } });
    expect((await notifications.as(ada)('POST', path)).body).toEqual(read.body);
  });

  it('also when the notification service is down at the time, and the payment service starts anew', async () => {
    const ada = newUserId();
    await notifications.stop();
    expect((await payments.as(ada)('POST', '/payments', { body: tea })).status).toBe(201);
    await payments.stop();
    payments = await startPayments({ SALLYPORT_DATA_DIR: payments.dataDir });
    await payments.as(ada)('POST', '/payments', { body: { amount: 1, currency: 'USD' } });
    notifications = await startNotifications();
    await until('both are there', async () => (await textsOf(ada)).length === 2, 10_000);
    expect(await textsOf(ada)).toEqual(['Payment of 1 USD received', 'Payment of 12.34 EUR received']);
  });
});
