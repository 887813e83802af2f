import { defaultRealm, type EpochMs, type SessionId, type UserId } from '@sallyport/contract';
import { describe, expect, it } from 'vitest';
import type { AuditRecord } from '../contracts/audit.ts';
import type { Housekeeping } from '../contracts/housekeeping.ts';
import type { Outbox } from '../contracts/outbox.ts';
import type { Storage } from '../contracts/storage.ts';
import { context, newId, newSession, newUser, times } from './make.ts';
import type { Conformance } from './store-under-test.ts';

const dayMs = 86_400_000;
const keepEndedMs = 30 * dayMs;

export const housekeepingConformance: Conformance = (store) => {
  const own = (index = 0): Storage => (index % 2 === 0 ? store().storage : store().second);
  const keeper = (index = 0): Housekeeping => own(index).housekeeping;

  /** Looks at everything there is, in small steps. */
  const sweep = async (index = 0): Promise<number> => {
    let removed = 0;
    let after: SessionId | undefined;
    do {
      const step = await keeper(index).removeExpiredSessions({ ...(after && { after }), keepEndedMs, limit: 3 });
      removed += step.removed;
      after = step.last;
    } while (after !== undefined);
    return removed;
  };
  /** A verb that is repeated until it finds no more. */
  const untilNone = async (remove: () => Promise<number>): Promise<number> => {
    let removed = 0;
    for (let step = await remove(); step > 0; step = await remove()) removed += step;
    return removed;
  };
  const startSession = async (userId: UserId, idleTtlMs: number): Promise<SessionId> => {
    const session = newSession(userId, { idleTtlMs, absoluteTtlMs: 400 * dayMs });
    await own().sessions.createSession(session);
    return session.id;
  };
  const found = async (id: SessionId) => (await own(1).sessions.findSession(id)).value;

  describe('housekeeping', () => {
    it('removes sessions past their expiry, and leaves what lives', async (test) => {
      test.skip(store().sessionsEndByThemselves === true);
      const user = newUser();
      await own().accounts.createUser(user, context);
      // What other suites have left is not counted here.
      await sweep();
      const expired = await times(7, () => startSession(user.id, 1000));
      const alive = await startSession(user.id, 400 * dayMs);
      expect(await sweep()).toBe(0);
      store().advance(1000);
      expect(await sweep()).toBe(7);
      for (const id of expired) expect(await found(id)).toBeUndefined();
      expect((await found(alive))?.generation).toBe(0);
    });

    it('keeps one that was ended or reused for as long as its tokens could still be shown, and then for the time asked', async (test) => {
      test.skip(store().sessionsEndByThemselves === true);
      const user = newUser();
      await own().accounts.createUser(user, context);
      const [short, long, reused] = [
        await startSession(user.id, dayMs),
        await startSession(user.id, 60 * dayMs),
        await startSession(user.id, 60 * dayMs),
      ];
      for (const sessionId of [short, long]) await own().sessions.endSession({ sessionId, cause: 'logout', context });
      await own().sessions.endSession({ sessionId: reused, cause: 'reused', context });
      const causes = async () => Promise.all([short, long, reused].map(async (id) => (await found(id))?.revokedCause));
      await sweep();
      store().advance(29 * dayMs);
      await sweep();
      expect(await causes()).toEqual(['logout', 'logout', 'reused']);
      store().advance(dayMs + 1);
      await sweep();
      // Ended for 30 days, and not expired: still told why.
      expect(await causes()).toEqual([undefined, 'logout', 'reused']);
      store().advance(30 * dayMs);
      await sweep();
      expect(await causes()).toEqual([undefined, undefined, undefined]);
    });

    it('removes each row once, however many do it at once, and no more than it was asked to look at', async (test) => {
      test.skip(store().sessionsEndByThemselves === true);
      const user = newUser();
      await own().accounts.createUser(user, context);
      await sweep();
      await times(12, () => startSession(user.id, 1000));
      store().advance(1000);
      const { removed: first } = await keeper().removeExpiredSessions({ keepEndedMs, limit: 1 });
      expect(first).toBeLessThanOrEqual(1);
      const counts = await times(6, sweep);
      expect(counts.reduce((sum, count) => sum + count, first)).toBe(12);
    });

    it('takes spent nonces and idle counters that have expired, in steps', async () => {
      await untilNone(() => keeper().removeExpiredNonces(1000));
      await untilNone(() => keeper().removeIdleCounters(1000));
      const { nowMs } = await own().sessions.findSession(newId());
      const spend = (expiresAtMs: number) => {
        const nonce = {
          realmId: defaultRealm,
          purpose: 'housekeeping',
          nonce: newId(),
          madeAtMs: nowMs,
          expiresAtMs: expiresAtMs as EpochMs,
        };
        return own().nonces.consumeNonce(nonce);
      };
      const count = (windowMs: number) => {
        const attempt = { realmId: defaultRealm, purpose: 'housekeeping', subject: newId(), limit: 5, windowMs };
        return own().counters.countAttempt(attempt);
      };
      await times(5, () => spend(nowMs + 60_000));
      await spend(nowMs + dayMs);
      await times(5, () => count(60_000));
      await count(dayMs);
      expect(await keeper().removeExpiredNonces(2)).toBe(0);
      expect(await keeper().removeIdleCounters(2)).toBe(0);
      store().advance(120_000);
      expect(await keeper(1).removeExpiredNonces(2)).toBeLessThanOrEqual(2);
      expect(await keeper(1).removeIdleCounters(2)).toBeLessThanOrEqual(2);
      await untilNone(() => keeper().removeExpiredNonces(2));
      await untilNone(() => keeper().removeIdleCounters(2));
      store().advance(2 * dayMs);
      // The others were not touched before their time; a driver whose rows end by themselves has nothing to say.
      expect(await untilNone(() => keeper().removeExpiredNonces(2))).toBeLessThanOrEqual(1);
      expect(await untilNone(() => keeper().removeIdleCounters(2))).toBeLessThanOrEqual(1);
    });

    it('takes events by age', async () => {
      const user = newUser();
      await own().accounts.createUser(user, context);
      const effects = await own().effects.readEffects(1_000_000);
      const effect = effects.find(({ userId }) => userId === user.id);
      const { id: effectId = '', atMs = 0 as EpochMs } = effect ?? {};
      const event = {
        effectId,
        realmId: defaultRealm,
        type: 'USER_CREATED',
        version: 1,
        key: user.id,
        data: '{}',
        atMs,
      };
      await own().outbox.appendEvents([event]);
      await publishAll(own().outbox);
      const kept = async () => (await own(1).outbox.listEvents({ key: user.id, limit: 9 })).length;
      const removeAll = () => untilNone(() => keeper().removeOldEvents({ keepMs: 10 * dayMs, limit: 2 }));
      store().advance(9 * dayMs);
      await removeAll();
      expect(await kept()).toBe(1);
      store().advance(2 * dayMs);
      await removeAll();
      expect(await kept()).toBe(0);
    });
  });

  describe('erasure', () => {
    it('refuses an account that lives or was never there, and changes nothing', async () => {
      const user = newUser();
      await own().accounts.createUser(user, context);
      expect(await keeper().eraseUser(user.id, context)).toEqual({ kind: 'live' });
      expect(await keeper().eraseUser(newId(), context)).toEqual({ kind: 'unknown' });
      expect((await own().accounts.findUser(user.id))?.email).toBe(user.email);
    });

    it('takes everything personal and keeps the ids, also in what is moved there later; of N callers one leaves an effect', async () => {
      const phoneNumber = '+44 20 7946 0000';
      const user = newUser({ phoneNumber, firstName: 'Ada', lastName: 'Lovelace', displayName: 'Countess' });
      await own().accounts.createUser(user, context);
      const session = newSession(user.id);
      await own().sessions.createSession(session);
      const effects = (await own().effects.readEffects(1_000_000)).filter(({ userId }) => userId === user.id);
      const [created, started] = effects;
      const data = JSON.stringify({ user_id: user.id, email: user.email, name: 'Ada' });
      const atMs = created?.atMs ?? (0 as EpochMs);
      const eventOf = (effectId: string) => {
        const common = { realmId: defaultRealm, type: 'USER_CREATED', version: 1, key: user.id };
        return { ...common, effectId, data, atMs };
      };
      await own().audit.appendAudit([auditOf(created?.id ?? '', user.id, atMs, data)]);
      await own().outbox.appendEvents([eventOf(created?.id ?? '')]);
      await own().accounts.deleteUser(user.id, context);

      const key = user.emailKey ?? '';
      const deleted = () => own(1).housekeeping.findDeletedUsers(defaultRealm, { kind: 'email', key });
      expect((await deleted()).map(({ id }) => id)).toEqual([user.id]);
      const admin = { requestId: newId(), actor: 'admin' } as const;
      for (const outcome of await times(6, (index) => keeper(index).eraseUser(user.id, admin))) {
        expect(outcome).toEqual({ kind: 'erased' });
      }
      expect(await deleted()).toEqual([]);
      // Another node had read these before, and brings them only now.
      await own(1).audit.appendAudit([auditOf(started?.id ?? '', user.id, atMs, data)]);
      await own(1).outbox.appendEvents([eventOf(started?.id ?? '')]);

      const { id, roles, deletedAtMs, passwordHash, ...rest } = (await own().accounts.findUser(user.id)) ?? {};
      expect([id, roles, deletedAtMs, passwordHash]).toEqual([user.id, ['user'], expect.any(Number), undefined]);
      const left = {
        user: rest,
        session: (await own().sessions.findSession(session.id)).value,
        effects: (await own().effects.readEffects(1_000_000)).filter(({ userId }) => userId === user.id),
        audit: await own().audit.listAudit({ realmId: defaultRealm, userId: user.id, limit: 9 }),
        events: await own().outbox.listEvents({ key: user.id, limit: 9 }),
      };
      expect(left.session).toBeUndefined();
      expect(left.audit).toHaveLength(2);
      expect(left.events.map((event) => event.data)).toEqual(Array(2).fill(JSON.stringify({ user_id: user.id })));
      expect(left.effects.filter(({ act }) => act === 'user.erased')).toHaveLength(1);
      expect(JSON.stringify(left)).not.toMatch(/192\.0\.2\.1|suite\/1|"Ada"|Lovelace|Countess|20 7946|example\.org/i);
    });

    it('leaves others as they are, and the e-mail to whoever comes next', async () => {
      const email = { email: `${newId()}@example.org`, emailKey: newId<string>() };
      const [first, second] = [newUser(email), newUser(email)];
      await own().accounts.createUser(first, context);
      await own().accounts.deleteUser(first.id, context);
      await own().accounts.createUser(second, context);
      await keeper().eraseUser(first.id, context);
      expect(await own(1).accounts.findUser(second.id)).toMatchObject({ email: email.email, name: 'Ada' });
      const login = { kind: 'email', key: email.emailKey } as const;
      expect((await own().accounts.findUserForLogin(defaultRealm, login))?.id).toBe(second.id);
      const others = (await own().effects.readEffects(1_000_000)).filter(({ userId }) => userId === second.id);
      expect(others[0]).toMatchObject({ context, data: { email: email.email } });
    });
  });
};

/** Only what has left may go. */
const publishAll = async (outbox: Outbox): Promise<void> => {
  const holder = newId<string>();
  const partitions = (await outbox.readPartitions()).map(({ partition }) => partition);
  for (const lease of await outbox.claimPartitions({ holder, partitions, leaseMs: 1000 })) {
    const events = await outbox.readPending({ partitions: [lease.partition], limitEach: 1000 });
    const published = events.map(({ effectId }) => effectId);
    await outbox.settleEvents({ lease, holder, published, retries: [], dead: [], release: true });
  }
};

const auditOf = (effectId: string, userId: UserId, atMs: EpochMs, details = '{}'): AuditRecord => ({
  ...{ effectId, userId, atMs, details, realmId: defaultRealm, eventType: 'register', actor: 'user' },
  ...{ requestId: 'conformance', address: '192.0.2.1', userAgent: 'suite/1' },
});
