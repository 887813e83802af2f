import { defaultRealm, type SessionId, type UserId } from '@sallyport/contract';
import { describe, expect, it } from 'vitest';
import { context, newId, newUser, times } from './make.ts';
import type { Conformance } from './store-under-test.ts';

export const accountsConformance: Conformance = (store) => {
  const accounts = () => store().storage.accounts;
  const create = async () => {
    const user = newUser();
    await accounts().createUser(user, context);
    return user;
  };

  describe('accounts', () => {
    it('keep what was given and nothing else', async () => {
      const user = newUser({ phoneNumber: '+44 20 7946 0000' });
      const outcome = await accounts().createUser(user, context);
      expect(outcome.kind).toBe('created');
      const found = await store().second.accounts.findUser(user.id);
      expect(found).toMatchObject({
        id: user.id,
        email: user.email,
        name: 'Ada',
        roles: ['user'],
        sessionEpoch: 1,
        accessEpoch: 1,
      });
      expect(found?.phoneNumber).toBe('+44 20 7946 0000');
      expect(found).not.toHaveProperty('username');
      expect(found?.passwordHash).toBe('hash-1');
    });

    it('let one of 20 callers with one e-mail create, over two connections', async () => {
      const emailKey = `${newId()}@example.org`;
      const outcomes = await times(20, (index) =>
        (index % 2 ? store().storage : store().second).accounts.createUser(newUser({ emailKey }), context),
      );
      expect(outcomes.filter(({ kind }) => kind === 'created')).toHaveLength(1);
      expect(outcomes.filter(({ kind }) => kind === 'taken')).toHaveLength(19);
    });

    it('find a login by its key only, never a deleted account, whose e-mail is free again', async () => {
      const user = await create();
      const login = { kind: 'email', key: String(user.emailKey) } as const;
      expect((await accounts().findUserForLogin(defaultRealm, login))?.id).toBe(user.id);
      expect(
        await accounts().findUserForLogin(defaultRealm, { kind: 'username', key: String(user.emailKey) }),
      ).toBeUndefined();
      await accounts().deleteUser(user.id, context);
      expect(await accounts().findUserForLogin(defaultRealm, login)).toBeUndefined();
      expect((await accounts().findUser(user.id))?.deletedAtMs).toBeTypeOf('number');
      const again = await accounts().createUser(newUser({ emailKey: String(user.emailKey) }), context);
      expect(again.kind).toBe('created');
    });

    it('let one of 10 password changes with one expected hash win, and raise both epochs once', async () => {
      const user = await create();
      const outcomes = await times(10, (index) =>
        accounts().changePassword({
          userId: user.id,
          expectedHash: 'hash-1',
          newHash: `new-${index}`,
          sessionId: newId<SessionId>(),
          context,
        }),
      );
      expect(outcomes.filter(({ changed }) => changed)).toHaveLength(1);
      expect(await accounts().findUser(user.id)).toMatchObject({ sessionEpoch: 2, accessEpoch: 2 });
    });

    it('replace a hash only while it is the expected one, without moving an epoch', async () => {
      const user = await create();
      await accounts().replacePasswordHash({ userId: user.id, expectedHash: 'other', newHash: 'wrong' });
      await accounts().replacePasswordHash({ userId: user.id, expectedHash: 'hash-1', newHash: 'hash-2' });
      expect(await accounts().findUser(user.id)).toMatchObject({
        passwordHash: 'hash-2',
        sessionEpoch: 1,
        accessEpoch: 1,
      });
    });

    it('raise both epochs on logout-all, disable and delete; the access epoch alone on a change of roles', async () => {
      const user = await create();
      const roles = await accounts().setUserRoles({ userId: user.id, roles: ['admin'], permissions: ['x'], context });
      expect(roles).toMatchObject({ roles: ['admin'], permissions: ['x'], sessionEpoch: 1, accessEpoch: 2 });
      expect(await accounts().endAllSessions(user.id, context)).toMatchObject({ sessionEpoch: 2, accessEpoch: 3 });
      expect(await accounts().setUserDisabled(user.id, true, context)).toMatchObject({
        sessionEpoch: 3,
        accessEpoch: 4,
      });
      expect(await accounts().setUserDisabled(user.id, true, context)).toMatchObject({
        sessionEpoch: 3,
        accessEpoch: 4,
      });
      const enabled = await accounts().setUserDisabled(user.id, false, context);
      expect(enabled).toMatchObject({ sessionEpoch: 3, accessEpoch: 4 });
      expect(enabled).not.toHaveProperty('disabledAtMs');
      expect(await accounts().deleteUser(user.id, context)).toMatchObject({ sessionEpoch: 4, accessEpoch: 5 });
      expect(await accounts().deleteUser(user.id, context)).toMatchObject({ sessionEpoch: 4, accessEpoch: 5 });
    });

    it('know no account that was never made', async () => {
      const nobody = newId<UserId>();
      expect(await accounts().findUser(nobody)).toBeUndefined();
      expect(await accounts().endAllSessions(nobody, context)).toBeUndefined();
      expect(await accounts().setUserDisabled(nobody, true, context)).toBeUndefined();
      expect(await accounts().deleteUser(nobody, context)).toBeUndefined();
    });

    it('list pages without gaps or doubles', async () => {
      const made = [await create(), await create(), await create()].map(({ id }) => id);
      const seen: UserId[] = [];
      for (let after: UserId | undefined; ; ) {
        const page = await accounts().listUsers(defaultRealm, { ...(after && { after }), limit: 2 });
        seen.push(...page.map(({ id }) => id));
        after = page.at(-1)?.id;
        if (page.length < 2) break;
      }
      expect(new Set(seen).size).toBe(seen.length);
      expect(seen).toEqual(expect.arrayContaining(made));
    });

    it('are found by what their key begins with, page by page, and by nothing that a pattern could mean', async () => {
      const prefix = `${newId()}%_`;
      const keys = ['é', 'Z', 'a', 'a.b', '\u{1f600}'].map((end) => `${prefix}${end}@x.org`.toLowerCase());
      for (const emailKey of keys) await accounts().createUser(newUser({ email: emailKey, emailKey }), context);
      await accounts().createUser(newUser({ emailKey: prefix.replace('%', 'q') }), context);
      const gone = newUser({ emailKey: `${prefix}deleted` });
      await accounts().createUser(gone, context);
      await accounts().deleteUser(gone.id, context);
      const seen: string[] = [];
      for (let after: string | undefined; ; ) {
        const search = { kind: 'email', prefix, ...(after && { after }), limit: 2 } as const;
        const page = await accounts().searchUsers(defaultRealm, search);
        seen.push(...page.map(({ email }) => String(email)));
        after = page.at(-1)?.email;
        if (page.length < 2) break;
      }
      expect(seen).toEqual(keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
      expect(await accounts().searchUsers(defaultRealm, { kind: 'username', prefix, limit: 2 })).toEqual([]);
    });
  });
};
