import { randomBytes } from 'node:crypto';
import { expect, it, vi } from 'vitest';
import { type Sabotage, sabotagedIssuer } from '../prove/sabotaged-issuer.ts';
import { startReceiver } from '../testing/event-receiver.ts';
import { type Answer, httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { login, newPerson, signUp, tokensOf } from '../testing/people.ts';

/** Every secret that went in or came out, and what an event has no use for, by name. */
type Planted = Map<string, string>;
const random = (): string => randomBytes(18).toString('base64url');

/** One account from its registration to its end, with a theft in between. */
const live = async (issuer: Issuer, planted: Planted): Promise<string> => {
  const call = httpClient(issuer.url);
  const plant = (name: string, value: string): string => {
    planted.set(name, value);
    return value;
  };
  const keep = (name: string, answer: Answer) => {
    const tokens = tokensOf(answer);
    for (const [kind, value] of Object.entries(tokens)) plant(`${kind} of ${name}`, value);
    return tokens;
  };
  for (const name of ['JWT_SECRET', 'SALLYPORT_ROOT_KEYS', 'CSRF_KEYS'])
    plant(name, (issuer.folder.settings[name] ?? '').replace('1:', ''));
  const person = newPerson({ password: plant('password', `planted-pass-${random()}`) });
  const ann = await signUp(call, person);
  keep('the login', ann.answer);
  const headers = { 'user-agent': plant('agent', `planted-agent-${random()}`) };
  const refresh = (token: string) => call('POST', '/auth/refresh', { body: { refresh_token: token }, headers });
  keep('a refresh', await refresh(ann.refresh));
  await refresh(ann.refresh);
  const again = await login(call, person);
  keep('another login', again.answer);
  const body = { current_password: person.password, new_password: plant('new password', `planted-new-${random()}`) };
  const changed = keep('the change', await call('POST', '/auth/password', { bearer: again.access, body, headers }));
  await call('POST', '/auth/logout', { body: { refresh_token: changed.refresh }, headers });
  const last = await login(call, { ...person, password: body.new_password });
  keep('the last', last.answer);
  await call('DELETE', '/auth/account', { bearer: last.access, headers });
  return person.email;
};

/** What of the planted stands in any event that an issuer has sent. */
const foundInEvents = async (sabotage?: Sabotage): Promise<readonly string[]> => {
  const twin = sabotage && sabotagedIssuer(sabotage);
  const receiver = await startReceiver();
  const settings = { ...receiver.settings, REFRESH_ROTATION: 'on', REFRESH_OVERLAP_SECONDS: '0' };
  const issuer = await startIssuer(settings, undefined, twin && `file://${twin.entry}`);
  try {
    const planted: Planted = new Map([['webhook secret', receiver.secret]]);
    const email = await live(issuer, planted);
    await vi.waitUntil(() => receiver.taken.some(({ type }) => type === 'USER_DELETED'), { timeout: 20_000 });
    const text = JSON.stringify(receiver.taken);
    // So that it can fail: what belongs into an event is there.
    expect(text).toContain(email);
    expect(planted.size).toBeGreaterThan(15);
    expect(text).not.toMatch(/127\.0\.0\.1|\$2[aby]\$|\$argon2|Bearer/);
    return [...planted].filter(([, value]) => text.includes(value)).map(([name]) => name);
  } finally {
    await issuer.remove();
    await receiver.stop();
    twin?.remove();
  }
};

it('no password, token, key, address or agent stands in any event', async () => {
  expect(await foundInEvents()).toEqual([]);
});

it('twin: a member that its schema does not name would leave, if nobody held events against their schemas', async () => {
  const sabotage = {
    file: 'outbox/records.ts',
    find: 'const members = eventProblems(type, data);',
    replace: 'const members: string[] = []; Object.assign(data, { agent: effect.context.userAgent });',
  };
  expect(await foundInEvents(sabotage)).toEqual(['agent']);
});
