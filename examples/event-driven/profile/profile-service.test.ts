import { createHmac, randomBytes, randomInt, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunningServer } from '@sallyport/example-kit/run';
import { assertionKey, createAssertionSigner, targetHash } from '@sallyport/verify';
import { afterEach, describe, expect, it } from 'vitest';
import { applyEvent } from './apply-event.ts';
import { kafkaPlace } from './kafka-place.ts';
import { openProfiles } from './profiles.ts';
import { startProfiles } from './start-profiles.ts';

const master = randomBytes(32);
const webhookKey = randomBytes(32);
const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const each of undo.splice(0).reverse()) await each();
});

const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-profiles-'));
  undo.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

const start = async (settings: Readonly<Record<string, string>>): Promise<RunningServer> => {
  const env = {
    PORT: String(randomInt(20_000, 29_000)),
    LOG_LEVEL: 'silent',
    SALLYPORT_DATA_DIR: newFolder(),
    GATEWAY_ASSERTION_KEYS: `1:${assertionKey(master, 'profile-service').toString('base64url')}`,
    WEBHOOK_SECRETS: `whsec_${webhookKey.toString('base64')}`,
    ...settings,
  };
  const running = await startProfiles(env);
  undo.push(running.stop);
  return running;
};

/** UUIDv7 in form. */
const newId = (): string => randomUUID().replace(/^(.{14})./, '$17');

/** As the gateway forwards it. */
const profileOf = async (service: RunningServer, sub: string) => {
  const now = Math.floor(Date.now() / 1000);
  const assertion = createAssertionSigner({ kid: '1', key: assertionKey(master, 'profile-service') }).sign({
    ver: 1,
    iss: 'gateway',
    aud: 'profile-service',
    iat: now,
    exp: now + 30,
    jti: newId(),
    sub,
    cip: '192.0.2.7',
    mth: 'GET',
    pth: targetHash('/profile'),
  });
  const answer = await fetch(`${service.urls.public}/profile`, { headers: { 'x-gateway-assertion': assertion } });
  return {
    status: answer.status,
    retryAfter: answer.headers.get('retry-after'),
    body: (await answer.json()) as object,
  };
};

const created = (userId: string) => ({
  type: 'USER_CREATED',
  data: { user_id: userId, email: `${userId}@example.com`, name: 'Ada', created_at: '2026-01-02T03:04:05.678Z' },
});
const postOf = (service: RunningServer) => (body: string, headers: Readonly<Record<string, string>>) =>
  fetch(`${service.urls.public}/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/cloudevents+json; charset=utf-8', ...headers },
    body,
  });

const signed = (body: string, key = webhookKey, atMs = Date.now(), id: string = randomUUID()) => {
  const timestamp = String(Math.floor(atMs / 1000));
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
};

describe('a profile', () => {
  it('is made once, however often its event comes, and never again after it was erased', () => {
    const profiles = openProfiles(newFolder());
    undo.push(profiles.close);
    const apply = ({ type, data }: { type: string; data: object }) =>
      applyEvent(profiles, { type, data: JSON.stringify(data) });
    const erased = { type: 'USER_DELETED', data: { user_id: 'ada' } };
    expect([apply(created('ada')), apply(created('ada'))]).toEqual(['applied', 'known']);
    expect(profiles.find('ada')).toMatchObject({ email: 'ada@example.com', name: 'Ada' });
    expect([apply(erased), apply(erased), apply(created('ada'))]).toEqual(['applied', 'known', 'known']);
    expect(profiles.find('ada')).toBeUndefined();
    // The order of events of one user is kept; a replay that begins later is not thrown off.
    expect([apply({ type: 'USER_DELETED', data: { user_id: 'bob' } }), apply(created('bob'))]).toEqual([
      'applied',
      'known',
    ]);
    expect(apply({ type: 'SESSION_STARTED', data: { user_id: 'ada' } })).toBe('ignored');
    expect(applyEvent(profiles, { type: 'USER_CREATED', data: 'no JSON' })).toBe('unreadable');
  });
});

describe('Kafka', () => {
  it('is read with the settings that the issuer writes with', () => {
    const [port, KAFKA_GROUP_INSTANCE_ID] = [8082, 'one'];
    expect(kafkaPlace({}, port)).toBeUndefined();
    expect(kafkaPlace({ KAFKA_BROKERS: 'localhost:9092', KAFKA_GROUP_INSTANCE_ID }, port)).toEqual({
      topic: 'user-events',
      groupId: 'profile-service',
      memberId: 'one',
      connection: { bootstrapBrokers: ['localhost:9092'] },
    });
    const sasl = { KAFKA_USERNAME: 'ada', KAFKA_PASSWORD: 'planted-secret' };
    expect(kafkaPlace({ KAFKA_BROKERS: 'kafka:9092', ...sasl }, port)?.connection).toEqual({
      bootstrapBrokers: ['kafka:9092'],
      tls: {},
      tlsServerName: true,
      sasl: { mechanism: 'SCRAM-SHA-512', username: 'ada', password: 'planted-secret' },
    });
    const plain = { KAFKA_SASL_MECHANISM: 'PLAIN', KAFKA_TLS: 'off' };
    expect(() => kafkaPlace({ KAFKA_BROKERS: 'kafka:9092', ...sasl, ...plain }, port)).toThrow(
      /PLAIN without KAFKA_TLS=on/,
    );
  });
});

describe('the profile service', () => {
  it('takes posted events with the signature of the issuer alone, and no old ones', async () => {
    const service = await start({});
    const post = postOf(service);
    const body = JSON.stringify({ specversion: '1.0', id: randomUUID(), ...created('ada') });
    const refused = [
      {},
      signed(body, randomBytes(32)),
      signed(`${body} `),
      signed(body, webhookKey, Date.now() - 3_600_000),
      signed(body, webhookKey, Date.now() + 3_600_000),
      { ...signed(body), 'webhook-id': 'another' },
      { ...signed(body), 'webhook-signature': 'v1,' },
    ];
    for (const headers of refused) expect((await post(body, headers)).status).toBe(401);
    expect(await profileOf(service, 'ada')).toMatchObject({
      status: 404,
      retryAfter: '1',
      body: { code: 'not_found', detail: expect.stringContaining('not here yet') },
    });
    const headers = signed(body);
    expect((await post(body, headers)).status).toBe(204);
    // Replayed within the tolerance: taken, and nothing changes.
    expect((await post(body, headers)).status).toBe(204);
    expect(await profileOf(service, 'ada')).toMatchObject({
      status: 200,
      body: { profile: { user_id: 'ada', email: 'ada@example.com', name: 'Ada' } },
    });
    expect((await fetch(`${service.urls.public}/profile`, { headers: { 'x-user-id': 'ada' } })).status).toBe(401);
  });
});
