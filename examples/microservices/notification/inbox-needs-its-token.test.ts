import { afterAll, beforeAll, expect, it } from 'vitest';
import { newUserId, notificationToken, removeFolders, type Started, send, startReal } from '../testing/rig.ts';
import { notificationService } from './service.ts';

let service: Started;
beforeAll(async () => {
  service = await startReal(notificationService);
});
afterAll(async () => {
  await service.stop();
  removeFolders();
});

const post = (url: string, authorization: string | undefined, body: unknown) =>
  send(url, 'POST', '/v1/notifications', { body, headers: { ...(authorization && { authorization }) } });
const listOf = async (user: string) => (await service.as(user)('GET', '/notifications')).body['notifications'];

it('adds nothing without it, on whichever listener', async () => {
  const user_id = newUserId();
  const body = { id: newUserId(), user_id, text: 'forged' };
  for (const authorization of [undefined, 'Bearer', 'Bearer x', notificationToken, `bearer ${notificationToken}`]) {
    expect(await post(service.urls.private, authorization, body)).toMatchObject({ status: 401 });
  }
  expect((await post(service.urls.public, `Bearer ${notificationToken}`, body)).status).toBe(401);
  expect(await listOf(user_id)).toEqual([]);
});

it('with it adds one, however often it is told', async () => {
  const user_id = newUserId();
  const body = { id: newUserId(), user_id, text: 'hello' };
  for (let time = 0; time < 3; time += 1) {
    expect((await post(service.urls.private, `Bearer ${notificationToken}`, body)).status).toBe(204);
  }
  expect(await listOf(user_id)).toEqual([expect.objectContaining({ text: 'hello', read: false })]);
});

it.each([{}, { id: 'x', user_id: newUserId(), text: 'x' }, { id: newUserId(), user_id: newUserId(), text: 1 }])(
  'refuses %j',
  async (body) => {
    expect((await post(service.urls.private, `Bearer ${notificationToken}`, body)).status).toBe(400);
  },
);
