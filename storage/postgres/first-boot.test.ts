/** Making the schema, meeting a newer one, and with how few rights it can be used. */
import { systemRandom } from '@sallyport/kit/random';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { context, newSession, newUser, times } from '../conformance/make.ts';
import { postgresMigrations } from '../migrations/postgres/index.ts';
import { openConnection } from './connection.ts';
import { migrate } from './migrate.ts';
import { parseTarget } from './target.ts';
import { openTestStore } from './testing/open-test-store.ts';
import { isPostgresMissing, type PostgresServer, startPostgres } from './testing/start-postgres.ts';

const newest = postgresMigrations.at(-1)?.version ?? 0;

describe.skipIf(isPostgresMissing())('a schema in PostgreSQL', () => {
  let server: PostgresServer;
  let admin: postgres.Sql;
  beforeAll(async () => {
    server = await startPostgres();
    admin = postgres(server.url, { max: 1, onnotice: () => undefined });
  });
  afterAll(async () => {
    await admin.end();
    await server.stop();
  });

  it('is made once by five processes at a first boot, and they all read one history', async () => {
    const stores = await times(5, () => openTestStore(server.url, { poolSize: 2 }));
    expect(new Set(await Promise.all(stores.map((store) => store.revocations.storeIncarnation()))).size).toBe(1);
    const versions = await admin.unsafe('SELECT version FROM sallyport.schema_versions ORDER BY version');
    expect(versions.map(({ version }) => version)).toEqual(postgresMigrations.map(({ version }) => version));
    await Promise.all(stores.map((store) => store.close()));
  });

  it('has no foreign key to realms: every login and logout would lock the one row that all have in common', async () => {
    const found = await admin.unsafe(`SELECT conrelid::regclass::text AS "table" FROM pg_constraint
      WHERE contype = 'f' AND confrelid = 'sallyport.realms'::regclass`);
    expect([...found]).toEqual([]);
  });

  it('that is newer is used where every later migration was an expansion, and refused after a contraction', async () => {
    await admin.unsafe(`ALTER TABLE sallyport.sessions ADD COLUMN expanded integer;
      INSERT INTO sallyport.schema_versions VALUES (${newest + 1}, 'expansion', 6, 0)`);
    const store = await openTestStore(server.url);
    const user = newUser();
    await store.accounts.createUser(user, context);
    const session = newSession(user.id);
    await store.sessions.createSession(session);
    // A connection that has its statements prepared already.
    await admin.unsafe('ALTER TABLE sallyport.users ADD COLUMN expanded integer');
    expect((await store.accounts.findUser(user.id))?.id).toBe(user.id);
    expect((await store.accounts.endAllSessions(user.id, context))?.sessionEpoch).toBe(2);
    await store.close();
    await admin.unsafe(`INSERT INTO sallyport.schema_versions VALUES (${newest + 2}, 'contraction', ${newest + 1}, 0)`);
    await expect(openTestStore(server.url)).rejects.toThrow(
      `the database has schema ${newest + 2}, which wants a Sallyport that knows schema ${newest + 1} or later; this one knows ${newest}`,
    );
    await admin.unsafe(`DELETE FROM sallyport.schema_versions WHERE version > ${newest}`);
  });

  it('is used by a role that may change rows and nothing else; a role that would have to make it says what it lacks', async () => {
    await admin.unsafe(`CREATE ROLE serves LOGIN;
      GRANT USAGE ON SCHEMA sallyport TO serves;
      GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA sallyport TO serves`);
    const url = server.url.replace('sallyport@', 'serves@');
    const store = await openTestStore(url);
    const user = newUser();
    expect((await store.accounts.createUser(user, context)).kind).toBe('created');
    const session = newSession(user.id);
    await store.sessions.createSession(session);
    expect(await store.sessions.endSession({ sessionId: session.id, cause: 'logout', context })).toBe(true);
    await store.effects.removeEffects(await store.effects.readEffects(1000));
    await store.close();
    await expect(openTestStore(url, { schema: 'elsewhere' })).rejects.toThrow(
      /^PostgreSQL answered 42501 permission denied for database/,
    );
  });

  it('whose dump was restored into another server is read on, in its order', async () => {
    const store = await openTestStore(server.url);
    await store.effects.removeEffects(await store.effects.readEffects(1_000_000));
    const append = (requestId: string) =>
      store.effects.appendEffects([
        { act: 'login.failed', realmId: newUser().realmId, context: { ...context, requestId } },
      ]);
    for (const requestId of ['one', 'two']) await append(requestId);
    // Numbers of transactions that this server has yet to give.
    await admin.unsafe(`UPDATE sallyport.effects SET xid = (xid::text::bigint + 1000000)::text::xid8;
      UPDATE sallyport.effects_trimmed SET xid = (xid::text::bigint + 1000000)::text::xid8`);
    expect(await store.effects.readEffects(10)).toEqual([]);
    const again = await openTestStore(server.url);
    await append('three');
    const read = async () => (await again.effects.readEffects(10)).map(({ context: { requestId } }) => requestId);
    expect(await read()).toEqual(['one', 'two', 'three']);
    await again.effects.removeEffects(await again.effects.readEffects(1));
    expect(await read()).toEqual(['two', 'three']);
    await Promise.all([store.close(), again.close()]);
  });

  it('whose dump was restored into another server by a newer version is read on as well', async () => {
    const schema = '"restored"';
    const connection = await openConnection({
      target: parseTarget(server.url),
      applicationName: 'test',
      statementLimitMs: 0,
    });
    const migrations = postgresMigrations.slice(0, -1);
    await migrate({ connection, name: 'restored', schema, random: systemRandom, migrations });
    connection.end();
    // Both what waits to be drained and what has been drained last are of transactions that this server has yet to give.
    await admin.unsafe(`SELECT ${schema}.append_effect('login.failed', 'main', NULL, NULL, NULL,
        ROW('user', 'before', NULL, NULL)::${schema}.act_context);
      UPDATE ${schema}.effects SET xid = (xid::text::bigint + 1000000)::text::xid8;
      UPDATE ${schema}.effects_trimmed SET xid = (SELECT xid FROM ${schema}.effects)`);
    const store = await openTestStore(server.url, { schema: 'restored' });
    await store.effects.appendEffects([{ act: 'login.failed', realmId: newUser().realmId, context }]);
    expect((await store.effects.readEffects(10)).map(({ context: { requestId } }) => requestId)).toEqual([
      'before',
      context.requestId,
    ]);
    await store.close();
  });
});
