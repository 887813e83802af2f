import type { UserId } from '@sallyport/contract';
import { expect, it, onTestFinished } from 'vitest';
import { context, newId, newSession } from '../conformance/make.ts';
import { isRedisMissing, openSessionCopies, startRedis } from '../redis/testing/index.ts';
import { combinedForTests } from './testing/open-combined.ts';

it.skipIf(isRedisMissing())('a session whose end Redis has forgotten takes no live one its place', async () => {
  const server = await startRedis();
  const combined = combinedForTests(server.url);
  const copies = openSessionCopies(server.url);
  onTestFinished(async () => {
    copies.close();
    await combined.close();
    await server.stop();
  });
  const { sessions } = await combined.open();
  const userId = newId<UserId>();
  const login = async () => {
    const session = newSession(userId, { maxPerUser: 2 });
    await sessions.createSession(session);
    combined.clock.advance(1);
    return session.id;
  };
  const oldest = await login();
  const ended = await login();
  await copies.remember(ended);
  await sessions.endSession({ sessionId: ended, cause: 'logout', context });
  await copies.putBack(ended, 0);
  await login();
  expect((await sessions.findSession(oldest)).value).not.toHaveProperty('revokedCause');
  expect((await sessions.findSession(ended)).value).toMatchObject({ revokedCause: 'logout' });
  const listed = await sessions.listSessions({ userId, sessionEpoch: 1, limit: 10 });
  expect(listed.map(({ id }) => id)).toEqual([expect.any(String), oldest]);
});
