/** Audit in a PostgreSQL of its own, the acts in another store. */
import { isPostgresMissing, startPostgres } from '@sallyport/storage/postgres/testing';
import { rawConnection } from '@sallyport/storage/postgres/testing/raw';
import { expect, it } from 'vitest';
import { httpClient } from '../testing/http-client.ts';
import { startIssuer } from '../testing/issuer.ts';
import { login, signUp } from '../testing/people.ts';

const patience = { timeout: 25_000, interval: 100 } as const;

it.skipIf(isPostgresMissing())('has every login, also those of an outage that began before the start', async () => {
  const server = await startPostgres();
  await server.kill();
  const issuer = await startIssuer({ AUDIT_DATABASE_URL: server.url });
  const types = async (userId: string) => {
    const look = rawConnection(server.url, 'sallyport');
    const { rows } = await look.run(
      `SELECT event_type, place FROM audit WHERE user_id = '${userId}' ORDER BY effect_id`,
    );
    await look.close();
    return rows.map((row) => [row['event_type'], row['place'] !== null]);
  };
  try {
    const call = httpClient(issuer.url);
    const { person, userId } = await signUp(call);
    await login(call, person);
    await server.restart();
    const sealed = [
      ['register', true],
      ['login', true],
      ['login', true],
    ];
    await expect.poll(() => types(userId).catch(() => []), patience).toEqual(sealed);
    await login(call, person);
    await expect.poll(() => types(userId), patience).toEqual([...sealed, ['login', true]]);
  } finally {
    await issuer.remove();
    await server.stop();
  }
});
