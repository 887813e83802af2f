import { defaultRealm } from '@sallyport/contract';
import { expect, it } from 'vitest';
import { context, newSession, newUser } from './make.ts';
import type { Conformance } from './store-under-test.ts';

const { requestId } = context;
const byOperator = { requestId, actor: 'admin' } as const;

export const recoveryConformance: Conformance = (store) => {
  it('a restored store knows no session, no token and no subscriber of before', async () => {
    const { accounts, sessions, companions, recovery, revocations, effects } = store().storage;
    const user = newUser();
    await accounts.createUser(user, context);
    const login = newSession(user.id);
    await sessions.createSession(login);
    const before = await revocations.storeIncarnation();
    await companions.noteIncarnation('left behind', '1');

    // Whoever was logged out everywhere twice after the backup holds tokens of epoch 3.
    const { sessions: ended, users } = await recovery.markRestored({ incarnation: 'of-a-test', context: byOperator });
    expect(users).toBeGreaterThanOrEqual(1);
    if (store().sessionsEndByThemselves !== true) expect(ended).toBeGreaterThanOrEqual(1);
    const { value: session } = await sessions.findSession(login.id);
    const found = await accounts.findUser(user.id);
    expect(found?.sessionEpoch).toBeGreaterThan(1_000_000);
    expect(found?.accessEpoch).toBeGreaterThan(1_000_000);
    // A row of another store may outlive it; the epoch is what ends it.
    expect(session === undefined || session.revokedCause === 'restored' || session.sessionEpoch < 1_000_000).toBe(true);
    expect(before).not.toBe('of-a-test');
    expect(await companions.hasCompanion('left behind')).toBe(false);
    expect(await store().second.revocations.storeIncarnation()).toBe('of-a-test');
    const told = (await effects.readEffects(10_000)).filter(({ act }) => act === 'store.restored');
    expect(told).toMatchObject([{ realmId: defaultRealm, data: { sessions: ended, users }, context: byOperator }]);
  });
};
