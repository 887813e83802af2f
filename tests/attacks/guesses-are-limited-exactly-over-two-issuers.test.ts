import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type IssuerClient, issuerClient } from '../prove/client.ts';
import { type Issuer, type IssuerFolder, issuerFolder, startIssuer } from '../prove/issuer-process.ts';

const password = 'correct horse battery';
let folder: IssuerFolder;
let issuers: Issuer[];
let clients: IssuerClient[];

beforeAll(async () => {
  folder = issuerFolder({ LOGIN_LIMIT_PER_MINUTE: '10', LOGIN_LIMIT_PER_ADDRESS_PER_MINUTE: '0', LOCKOUT: 'on' });
  issuers = [await startIssuer(folder), await startIssuer(folder)];
  clients = issuers.map(({ url }) => issuerClient(url, 128));
});
afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await Promise.all(issuers.map((issuer) => issuer.stop()));
  folder.remove();
});

const login = (email: string, guess: string, index = 0, headers = {}): Promise<Answer> => {
  const client = clients[index % clients.length];
  if (client === undefined) throw new Error('no client');
  return client.post('/auth/login', { email, password: guess }, headers);
};
const register = async (email: string) => {
  expect((await clients[0]?.post('/auth/register', { email, password, name: 'Limit' }))?.status).toBe(201);
};
/** As if a minute had passed: the window is empty again, the lock still holds. */
const forgetWindow = (email: string) => {
  const db = new DatabaseSync(join(folder.path, 'sallyport.db'), { timeout: 5000 });
  const subject = createHash('sha256').update(email).digest('base64url');
  expect(db.prepare("UPDATE counters SET attempts_ms = '[]' WHERE subject = ?").run(subject).changes).toBe(1);
  db.close();
};
const statuses = (answers: readonly Answer[]) => Map.groupBy(answers, ({ status }) => status);

describe('guessing a password', () => {
  it('evaluates at most the limit out of 200 parallel wrong guesses over two issuers, whatever addresses they claim', async () => {
    const email = 'guessed@example.org';
    await register(email);
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        login(email, `wrong ${index}`, index, { 'x-forwarded-for': `192.0.2.${index}` }),
      ),
    );
    const by = statuses(answers);
    expect(by.get(401)?.length).toBe(10);
    expect(by.get(429)?.length).toBe(190);
    expect(by.get(429)?.[0]?.body).toMatchObject({
      code: 'rate_limited',
      params: { retryAfterSeconds: expect.any(Number) },
    });
  });

  it('counts an unknown account like a known one', async () => {
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, index) => login('nobody@example.org', 'wrong', index)),
    );
    const by = statuses(answers);
    expect([by.get(401)?.length, by.get(429)?.length]).toEqual([10, 20]);
  });

  it('lets 20 parallel right logins all pass', async () => {
    const email = 'right@example.org';
    await register(email);
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => login(email, password, index)));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
  });

  it('locks the account for new logins and leaves its live sessions alone; the right password answers like a wrong one', async () => {
    const email = 'locked@example.org';
    await register(email);
    const { body } = await login(email, password);
    for (let count = 0; count < 10; count += 1) expect((await login(email, `wrong ${count}`)).status).toBe(401);
    expect((await login(email, password)).status).toBe(429);
    forgetWindow(email);
    const locked = await login(email, password);
    expect(locked).toMatchObject({ status: 401, body: { code: 'credentials_invalid' } });
    expect((await clients[1]?.refresh(String(body['refresh_token'])))?.status).toBe(200);
  });
});
