/** contracts/device-chat.md, the chat service: it verifies with the public key alone, and hears of what has ended. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startRefused, startServer } from '../testing/child-server.ts';
import { chatEntry, type DeviceChat, startDeviceChat } from '../testing/device-chat.ts';
import { loginOnDevice, type RegisteredDevice, registerDevice, usernameOf } from '../testing/devices.ts';
import { freePort } from '../testing/free-ports.ts';
import { type Answer, type Call, httpClient } from '../testing/http-client.ts';
import { newPerson } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';

interface Member {
  readonly access: string;
  readonly refresh: string;
  readonly userId: string;
  readonly device: RegisteredDevice;
  readonly password: string;
}

let system: DeviceChat;
let issuer: Call;
let chat: Call;
const revocationBoundMs = 1000;

beforeAll(async () => {
  system = await startDeviceChat({ chat: { CHAT_PING_SECONDS: '1', CHAT_ROOMS_PER_USER: '5' } });
  issuer = httpClient(system.issuer.url);
  chat = httpClient(system.chat.url);
});
afterAll(() => system.remove());

const newMember = async (): Promise<Member> => {
  const person = newPerson();
  const { password } = person;
  const device = await registerDevice(issuer, { username: usernameOf(person), password });
  const { body } = await loginOnDevice(issuer, device, password);
  const { user_id: userId } = body['user'] as { readonly user_id: string };
  return { access: String(body['access_token']), refresh: String(body['refresh_token']), userId, device, password };
};

const post = (path: string, { access: bearer }: Member, body: object): Promise<Answer> =>
  chat('POST', `/api${path}`, { bearer, body });
const read = ({ access: bearer }: Member, roomId: string, query = ''): Promise<Answer> =>
  chat('GET', `/api/messages/${roomId}${query}`, { bearer });
const newRoom = async (member: Member): Promise<string> =>
  String((await post('/rooms/create', member, { name: 'Room' })).body['room_id']);

const open = (token: string): WebSocket =>
  new WebSocket(`${system.chat.url.replace('http', 'ws')}/api/messages/stream`, ['bearer', token]);
const opened = async (token: string): Promise<WebSocket> => {
  const socket = open(token);
  await once(socket, 'open');
  return socket;
};
const closeCode = async (socket: WebSocket): Promise<number> => Number((await once(socket, 'close'))[0]);

describe('rooms', () => {
  it('are made, joined and left; members alone read and write, newest last, page by page', async () => {
    const [ann, bob] = [await newMember(), await newMember()];
    const room_id = await newRoom(ann);
    expect(await post('/rooms/join', bob, { room_id })).toMatchObject({
      status: 200,
      body: { status: 'joined', room_id },
    });
    const sent: string[] = [];
    for (let turn = 0; turn < 5; turn += 1) {
      const author = turn % 2 ? bob : ann;
      const answer = await post('/messages/send', author, { room_id, message: `message ${turn}` });
      expect(answer).toMatchObject({ status: 200, body: { status: 'message sent', user_id: author.userId } });
      sent.push(String(answer.body['message_id']));
    }
    const all = await read(bob, room_id);
    expect(all.body).toMatchObject({ room_id, user_id: bob.userId });
    expect((all.body['messages'] as { id: string }[]).map(({ id }) => id)).toEqual(sent);
    expect((all.body['messages'] as object[])[0]).toEqual({
      id: sent[0],
      user_id: ann.userId,
      message: 'message 0',
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
    const page = await read(ann, room_id, `?limit=2&before=${sent[3]}`);
    expect((page.body['messages'] as { id: string }[]).map(({ id }) => id)).toEqual(sent.slice(1, 3));
    expect((await post('/rooms/leave', bob, { room_id })).status).toBe(200);
    expectProblem(await read(bob, room_id), 'permission_denied');
    expectProblem(await post('/messages/send', bob, { room_id, message: 'still here?' }), 'permission_denied');
    expectProblem(await read(bob, 'no-such-room'), 'not_found');
    expectProblem(await post('/rooms/join', bob, { room_id: 'no-such-room' }), 'not_found');
  });

  it('say to their members who is there, and who has written, by the name that the issuer knows', async () => {
    const [ann, bob, eve] = [await newMember(), await newMember(), await newMember()];
    const room_id = await newRoom(ann);
    await post('/rooms/join', bob, { room_id });
    await post('/messages/send', bob, { room_id, message: 'hello' });
    const people = (): Promise<Answer> => chat('GET', `/api/rooms/${room_id}/people`, { bearer: ann.access });
    const named = ({ userId: user_id, device: { username } }: Member, member: boolean) => ({
      user_id,
      username,
      member,
    });
    const byName = (all: readonly { readonly username: string }[]) =>
      all.toSorted((a, b) => (a.username < b.username ? -1 : 1));
    expect(await people()).toMatchObject({
      status: 200,
      body: { room_id, people: byName([named(ann, true), named(bob, true)]) },
    });
    await post('/rooms/leave', bob, { room_id });
    expect((await people()).body['people']).toEqual(byName([named(ann, true), named(bob, false)]));
    for (const { access: bearer } of [bob, eve])
      expectProblem(await chat('GET', `/api/rooms/${room_id}/people`, { bearer }), 'permission_denied');
    expectProblem(await chat('GET', '/api/rooms/no-such-room/people', { bearer: ann.access }), 'not_found');
  });

  it('take no id twice, and nothing of another form, with the contract’s text', async () => {
    const ann = await newMember();
    const room_id = `room-${ann.userId}`;
    expect(await post('/rooms/create', ann, { name: 'Mine', room_id })).toMatchObject({
      status: 200,
      body: { room_id },
    });
    expectProblem(await post('/rooms/create', ann, { name: 'Again', room_id }), 'already_exists', 'room exists');
    for (const body of [
      {},
      { room_id, message: '' },
      { room_id, message: 'x'.repeat(4001) },
      { room_id, message: 'a', more: 1 },
    ])
      expectProblem(await post('/messages/send', ann, body), 'field_invalid', 'invalid request');
    expectProblem(await read(ann, room_id, '?limit=101'), 'query_invalid', 'invalid request');
    expect((await post('/messages/send', ann, { room_id, message: '😀'.repeat(4000) })).status).toBe(200);
  });

  it('are so many for one user, whether made or joined; leaving makes room', async () => {
    const [ann, bob] = [await newMember(), await newMember()];
    const ofBob = [await newRoom(bob), await newRoom(bob)];
    const made = await Promise.all(Array.from({ length: 6 }, () => post('/rooms/create', ann, { name: 'Room' })));
    expect(made.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([
      200, 200, 200, 200, 200, 409,
    ]);
    expectProblem(await post('/rooms/join', ann, { room_id: ofBob[0] }), 'quota_reached', 'too many rooms');
    const own = made.find(({ status }) => status === 200)?.body['room_id'];
    expect((await post('/rooms/join', ann, { room_id: own })).status).toBe(200);
    await post('/rooms/leave', ann, { room_id: own });
    expect((await post('/rooms/join', ann, { room_id: ofBob[0] })).status).toBe(200);
    expectProblem(await post('/rooms/join', ann, { room_id: ofBob[1] }), 'quota_reached');
  });
});

describe('who calls', () => {
  it('is said by a token alone; the three refusals have the contract’s texts', async () => {
    const path = '/api/messages/any';
    expectProblem(await chat('GET', path), 'token_missing', 'missing authorization header');
    const basic = { headers: { authorization: 'Basic abc' } };
    expectProblem(await chat('GET', path, basic), 'authorization_malformed', 'invalid authorization header format');
    expectProblem(await chat('GET', path, { bearer: 'a.b.c' }), 'token_invalid', 'invalid or expired token');
  });

  it('is refused within a second after logout, logout-all and the end of a device, without a call to the issuer', async () => {
    const ways: readonly ((member: Member) => Promise<Answer>)[] = [
      ({ refresh }) => issuer('POST', '/api/auth/logout', { body: { refresh_token: refresh } }),
      ({ access: bearer }) => issuer('POST', '/api/auth/logout-all', { bearer }),
      ({ access: bearer, device }) => issuer('DELETE', `/api/auth/devices/${device.id}`, { bearer }),
    ];
    for (const end of ways) {
      const member = await newMember();
      const room = await newRoom(member);
      expect((await read(member, room)).status).toBe(200);
      expect((await end(member)).status).toBe(200);
      const ended = performance.now();
      let answer = await read(member, room);
      while (answer.status === 200 && performance.now() - ended < revocationBoundMs) {
        await sleep(20);
        answer = await read(member, room);
      }
      expectProblem(answer, 'token_revoked', 'invalid or expired token');
    }
  });
});

describe('the stream', () => {
  it('brings new messages to members and to nobody else, and never says the token', async () => {
    const [ann, bob, eve] = [await newMember(), await newMember(), await newMember()];
    const room_id = await newRoom(ann);
    await post('/rooms/join', bob, { room_id });
    const [atBob, atEve] = [await opened(bob.access), await opened(eve.access)];
    expect(atBob.protocol).toBe('bearer');
    const overheard: unknown[] = [];
    atEve.on('message', (data) => overheard.push(data));
    const [arrived] = await Promise.all([
      once(atBob, 'message').then(([data]) => JSON.parse(String(data))),
      post('/messages/send', ann, { room_id, message: 'hello' }),
    ]);
    expect(arrived).toMatchObject({ type: 'message', room_id, message: { user_id: ann.userId, message: 'hello' } });
    await post('/rooms/leave', bob, { room_id });
    atBob.on('message', (data) => overheard.push(data));
    await post('/messages/send', ann, { room_id, message: 'bob is gone' });
    await sleep(100);
    expect(overheard).toEqual([]);
    for (const socket of [atBob, atEve]) socket.close();
  });

  it('is refused before it begins without a good token', async () => {
    for (const token of ['a.b.c', 'x']) {
      const [, response] = await once(open(token), 'unexpected-response');
      expect(response.statusCode).toBe(401);
      response.destroy();
    }
    const bare = new WebSocket(`${system.chat.url.replace('http', 'ws')}/api/messages/stream`);
    const [, response] = await once(bare, 'unexpected-response');
    expect(response.statusCode).toBe(401);
    response.destroy();
  });

  it('drops a line that answers no ping, and keeps one that does', async () => {
    const { access } = await newMember();
    const alive = await opened(access);
    const dead = new WebSocket(alive.url, ['bearer', access], { autoPong: false });
    let pings = 0;
    alive.on('ping', () => {
      pings += 1;
    });
    await once(dead, 'close');
    await expect.poll(() => pings, { timeout: 20_000 }).toBeGreaterThan(2);
    expect(alive.readyState).toBe(WebSocket.OPEN);
    alive.close();
  });

  it('is closed when the session ends, within the bound', async () => {
    const member = await newMember();
    const socket = await opened(member.access);
    const closed = closeCode(socket);
    await issuer('POST', '/api/auth/logout', { body: { refresh_token: member.refresh } });
    expect(await Promise.race([closed, sleep(revocationBoundMs + 500).then(() => 'open')])).toBe(4401);
  });

  it('is closed when the token has run out', async () => {
    const short = await startDeviceChat({
      issuer: { ACCESS_TOKEN_TTL_SECONDS: '5', CLOCK_LEEWAY_SECONDS: '0' },
      chat: { CLOCK_LEEWAY_SECONDS: '0' },
    });
    try {
      const person = newPerson();
      const at = httpClient(short.issuer.url);
      const device = await registerDevice(at, { username: usernameOf(person), password: person.password });
      const { body } = await loginOnDevice(at, device, person.password);
      const socket = new WebSocket(`${short.chat.url.replace('http', 'ws')}/api/messages/stream`, [
        'bearer',
        String(body['access_token']),
      ]);
      await once(socket, 'open');
      expect(await closeCode(socket)).toBe(4408);
    } finally {
      await short.remove();
    }
  });
});

describe('its start', () => {
  const bare = async () => ({ PORT: String(await freePort()), SALLYPORT_DATA_DIR: system.folder.path });

  it('is refused without a place for the public key, in the contract’s words', async () => {
    const { exitCode, stderr } = await startRefused(chatEntry, await bare(), system.folder.path);
    expect([exitCode, stderr]).toEqual([78, 'USER_SERVICE_URL environment variable not set\n']);
  });

  it('is refused where nobody answers, after the retries, and names the setting', async () => {
    const settings = {
      ...(await bare()),
      USER_SERVICE_URL: 'http://127.0.0.1:1',
      JWT_PUBLIC_KEY_FETCH_RETRY: '1',
      REVOCATION_FEED: 'off',
    };
    const { exitCode, stderr } = await startRefused(chatEntry, settings, system.folder.path);
    expect([exitCode, stderr]).toEqual([78, expect.stringMatching(/^USER_SERVICE_URL: no public key: /)]);
  });

  it('needs no issuer where the key is in a file', async () => {
    const path = join(system.folder.path, 'jwt_public_key.pem');
    writeFileSync(path, (await issuer('GET', '/api/auth/public-key')).text);
    const member = await newMember();
    const alone = await startServer(
      chatEntry,
      { ...(await bare()), JWT_PUBLIC_KEY_PATH: path, REVOCATION_FEED: 'off' },
      system.folder.path,
    );
    try {
      const answer = await httpClient(alone.url)('POST', '/api/rooms/create', {
        bearer: member.access,
        body: { name: 'x' },
      });
      expect(answer.status).toBe(200);
    } finally {
      await alone.stop();
    }
  });
});
