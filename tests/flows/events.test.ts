/** Events as somebody outside gets them: from the issuer itself, from relays beside it, and with the commands of an operator. */
import { setTimeout as sleep } from 'node:timers/promises';
import { openMaintenance } from '@sallyport/auth/maintenance';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { sallyport } from '../start/testing/started.ts';
import { type ChildServer, startServer } from '../testing/child-server.ts';
import { type ReceivedEvent, type Receiver, startReceiver } from '../testing/event-receiver.ts';
import { type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, issuerFolder, setDisabled, startIssuer } from '../testing/issuer.ts';
import { readMetric } from '../testing/metrics.ts';
import { login, newPerson, register, signUp, tokensOf } from '../testing/people.ts';

const patience = { timeout: 20_000, interval: 20 };
const relayEntry = import.meta.resolve('@sallyport/auth/relay');

describe('an issuer with a receiver of webhooks', () => {
  let receiver: Receiver;
  let issuer: Issuer;
  let call: Call;
  beforeAll(async () => {
    receiver = await startReceiver();
    const schemas = { EVENT_SCHEMA_URL: 'https://auth.example.org/auth/events/schemas/' };
    issuer = await startIssuer({
      ...receiver.settings,
      ...schemas,
      REFRESH_ROTATION: 'on',
      REFRESH_OVERLAP_SECONDS: '0',
    });
    call = httpClient(issuer.url);
  });
  afterAll(async () => {
    await issuer.remove();
    await receiver.stop();
  });
  const of = (userId: string): readonly ReceivedEvent[] => receiver.taken.filter(({ subject }) => subject === userId);
  const arrived = async (userId: string, count: number) => {
    await vi.waitUntil(() => of(userId).length >= count, patience);
    return of(userId).map(({ type, data }) => [type, data['cause'] ?? data['change'] ?? data['session_id']]);
  };

  it('tells of all that happens to an account, in its order', async () => {
    const ann = await signUp(call);
    const refresh = (token: string) => call('POST', '/auth/refresh', { body: { refresh_token: token } });
    const next = tokensOf(await refresh(ann.refresh));
    await refresh(next.refresh);
    await refresh(ann.refresh);
    const again = await login(call, ann.person);
    const other = await login(call, ann.person);
    await call('POST', '/auth/logout', { body: { refresh_token: other.refresh } });
    const passwords = { current_password: ann.person.password, new_password: `${ann.person.password} new` };
    const changed = tokensOf(await call('POST', '/auth/password', { bearer: again.access, body: passwords }));
    await call('POST', '/auth/logout-all', { bearer: changed.access });
    await setDisabled(issuer.folder, ann.person.email, true);
    await setDisabled(issuer.folder, ann.person.email, false);
    const last = await login(call, { ...ann.person, password: passwords.new_password });
    await call('DELETE', '/auth/account', { bearer: last.access });
    const session = expect.stringMatching(/^[0-9a-f-]{36}$/);
    expect(await arrived(ann.userId, 14)).toEqual([
      ['USER_CREATED', undefined],
      ['SESSION_STARTED', session],
      ['REFRESH_REUSED', session],
      ['SESSION_STARTED', session],
      ['SESSION_STARTED', session],
      ['SESSION_ENDED', 'logout'],
      ['PASSWORD_CHANGED', session],
      // Of all sessions, in one step; then of each that was left.
      ['SESSION_ENDED', 'logout_all'],
      ['SESSION_ENDED', 'logout_all'],
      ['USER_UPDATED', 'disabled'],
      ['USER_UPDATED', 'enabled'],
      ['SESSION_STARTED', session],
      ['USER_DELETED', undefined],
      ['SESSION_ENDED', 'deleted'],
    ]);
    const [created] = of(ann.userId);
    expect(created).toMatchObject({
      ...{ source: '/auth', subject: ann.userId },
      dataschema: 'https://auth.example.org/auth/events/schemas/USER_CREATED/1.json',
      data: { user_id: ann.userId, email: ann.person.email, name: ann.person.name, created_at: created?.time },
    });
    expect(receiver.forged).toBe(0);
  });

  it('publishes the schema that every event names', async () => {
    const { dataschema = '' } = receiver.taken[0] ?? {};
    const answer = await call('GET', new URL(dataschema).pathname);
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/schema+json; charset=utf-8');
    expect(answer.body).toMatchObject({ title: 'USER_CREATED, version 1', required: ['user_id', 'created_at'] });
  });

  it('leaves no event of a registration that was refused, and answers others while the receiver is gone', async () => {
    const person = newPerson();
    await receiver.stop();
    const { userId } = await signUp(call, person);
    await register(call, person);
    await sleep(300);
    expect(of(userId)).toEqual([]);
    await receiver.start();
    await arrived(userId, 2);
    expect(receiver.taken.filter(({ data }) => data['email'] === person.email)).toHaveLength(1);
    const pending = () => readMetric(issuer.privateUrl, 'sallyport_auth_events_published_total');
    await expect.poll(pending, patience).toBe(receiver.taken.length);
  });
});

describe('relays beside an issuer', () => {
  const folder = issuerFolder();
  let receiver: Receiver;
  let issuer: Issuer;
  let relays: readonly ChildServer[];
  beforeAll(async () => {
    receiver = await startReceiver();
    issuer = await startIssuer({ ...receiver.settings, EVENT_RELAY: 'off' }, folder);
    const settings = { ...folder.settings, ...receiver.settings, EVENT_RELAY_PORT: '0', EVENT_MAX_TRIES: '1' };
    relays = await Promise.all([0, 1].map(() => startServer(relayEntry, settings, folder.path)));
  });
  afterAll(async () => {
    await Promise.all(relays.map((relay) => relay.stop()));
    await issuer.remove();
    await receiver.stop();
  });
  const command = (...args: readonly string[]) => sallyport(['events', ...args], folder.settings).stdout;

  it('carry its events, each once, and say so in their metrics', async () => {
    const call = httpClient(issuer.url);
    for (let count = 0; count < 5; count += 1) await signUp(call);
    await vi.waitUntil(() => receiver.taken.length >= 10, patience);
    const published = async () => {
      const counts = relays.map(({ privateUrl }) => readMetric(privateUrl, 'sallyport_relay_events_published_total'));
      return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
    };
    await expect.poll(published, patience).toBe(10);
    expect(receiver.taken).toHaveLength(10);
    for (const { privateUrl } of relays) expect((await fetch(`${privateUrl}/ready`)).status).toBe(200);
  });

  it('leave dead letters behind, which an operator lists and replays', async () => {
    receiver.answer = ({ type }) => (type === 'USER_CREATED' ? 422 : 204);
    const { userId } = await signUp(httpClient(issuer.url));
    await vi.waitUntil(() => receiver.taken.some(({ subject }) => subject === userId), patience);
    const letter = JSON.parse(command('dead-letters', '--json')) as { readonly id: string };
    expect(letter).toMatchObject({
      ...{
        type: 'USER_CREATED',
        user: userId,
        state: 'dead',
        tries: 1,
        reason: 'status_422',
        data: { user_id: userId },
      },
    });
    const { id } = letter;
    receiver.answer = () => 204;
    expect(command('replay', '--dead')).toBe('1 events will be sent again\n');
    const unknown = '019b0000-0000-7000-8000-000000000000';
    const refused = sallyport(['events', 'replay', unknown], folder.settings);
    expect([refused.status, refused.stdout]).toEqual([1, '0 events will be sent again\n']);
    expect(refused.stderr).toMatch(/^1 of these ids will not: no such event/);
    const taken = () => receiver.taken.filter((event) => event.id === id).length;
    await vi.waitUntil(() => taken() === 1, patience);
    // Published ones as well, under their ids.
    const store = await openMaintenance(folder.settings);
    await expect.poll(() => store.replayEvents({ ids: [id] }), patience).toBe(1);
    await vi.waitUntil(() => taken() === 2, patience);
    expect(await store.replayEvents({ filter: { key: userId, type: 'USER_DELETED' } })).toBe(0);
    await store.close();
  });
});

it('an issuer that is told of no receiver prints its events as lines of JSON', async () => {
  const issuer = await startIssuer();
  try {
    const { userId } = await signUp(httpClient(issuer.url));
    const line = await issuer.waitForLine((each) => each['subject'] === userId);
    expect(line).toMatchObject({ specversion: '1.0', type: 'USER_CREATED', data: { user_id: userId } });
  } finally {
    await issuer.remove();
  }
});
