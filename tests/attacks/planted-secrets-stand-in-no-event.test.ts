import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type Receiver, startReceiver } from '../testing/event-receiver.ts';
import { type Answer, httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { login, newPerson, signUp, tokensOf } from '../testing/people.ts';

/** Every secret that went in or came out, and what an event has no use for. */
const planted = new Map<string, string>();
const plant = (name: string, value: string): string => {
  planted.set(name, value);
  return value;
};
const keep = (name: string, answer: Answer) => {
  const tokens = tokensOf(answer);
  for (const [kind, value] of Object.entries(tokens)) plant(`${kind} of ${name}`, value);
  return tokens;
};
const random = (): string => randomBytes(18).toString('base64url');

let receiver: Receiver;
let issuer: Issuer;
beforeAll(async () => {
  receiver = await startReceiver();
  issuer = await startIssuer({ ...receiver.settings, REFRESH_ROTATION: 'on', REFRESH_OVERLAP_SECONDS: '0' });
});
afterAll(async () => {
  await issuer.remove();
  await receiver.stop();
});

it('no password, token, key, phone number, address or agent stands in any event', async () => {
  const call = httpClient(issuer.url);
  for (const name of ['JWT_SECRET', 'SALLYPORT_ROOT_KEYS', 'CSRF_KEYS'])
    plant(name, (issuer.folder.settings[name] ?? '').replace('1:', ''));
  plant('webhook secret', receiver.secret);
  const person = newPerson({ password: plant('password', `planted-pass-${random()}`) });
  const ann = await signUp(call, person);
  keep('the login', ann.answer);
  const headers = { 'user-agent': plant('agent', `planted-agent-${random()}`) };
  const refresh = (token: string) => call('POST', '/auth/refresh', { body: { refresh_token: token }, headers });
  keep('a refresh', await refresh(ann.refresh));
  await refresh(ann.refresh);
  const again = await login(call, person);
  keep('another login', again.answer);
  const changed = { current_password: person.password, new_password: plant('new password', `planted-new-${random()}`) };
  const fresh = keep(
    'the change',
    await call('POST', '/auth/password', { bearer: again.access, body: changed, headers }),
  );
  await call('POST', '/auth/logout', { body: { refresh_token: fresh.refresh }, headers });
  const last = await login(call, { ...person, password: changed.new_password });
  keep('the last', last.answer);
  await call('DELETE', '/auth/account', { bearer: last.access, headers });

  await vi.waitUntil(() => receiver.taken.some(({ type }) => type === 'USER_DELETED'), { timeout: 20_000 });
  const text = JSON.stringify(receiver.taken);
  expect(receiver.taken.length).toBeGreaterThan(6);
  // So that it can fail: what belongs into an event is there.
  expect(text).toContain(person.email);
  expect(planted.size).toBeGreaterThan(15);
  expect([...planted].filter(([, value]) => text.includes(value)).map(([name]) => name)).toEqual([]);
  expect(text).not.toMatch(/127\.0\.0\.1|\$2[aby]\$|\$argon2|Bearer/);
});
