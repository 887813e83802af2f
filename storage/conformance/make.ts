import { defaultRealm, type SessionId, type UserId } from '@sallyport/contract';
import { systemRandom } from '@sallyport/kit/random';
import type { NewUser } from '../contracts/accounts.ts';
import type { NewSession } from '../contracts/sessions.ts';
import type { ActContext } from '../contracts/store.ts';

export const newId = <T extends string>(): T => systemRandom.uuidv7(Date.now()) as T;

export const context: ActContext = {
  requestId: 'conformance',
  actor: 'user',
  address: '192.0.2.1',
  userAgent: 'suite/1',
};

export const newUser = (fields: Partial<NewUser> = {}): NewUser => {
  const id = newId<UserId>();
  return {
    id,
    realmId: defaultRealm,
    email: `${id}@Example.org`,
    emailKey: `${id}@example.org`,
    name: 'Ada',
    passwordHash: 'hash-1',
    roles: ['user'],
    permissions: [],
    ...fields,
  };
};

export const newSession = (userId: UserId, fields: Partial<NewSession> = {}): NewSession => ({
  id: newId<SessionId>(),
  realmId: defaultRealm,
  userId,
  clientId: 'default',
  amr: ['pwd'],
  sessionEpoch: 1,
  keyId: 1,
  salt: systemRandom.bytes(16),
  tokenHash: systemRandom.bytes(32),
  hashKeyId: '',
  rotationId: systemRandom.bytes(16),
  idleTtlMs: 3_600_000,
  absoluteTtlMs: 7_200_000,
  proofRequired: false,
  origin: { address: '192.0.2.1', userAgent: 'suite/1' },
  maxPerUser: 0,
  maxPerDevice: 0,
  context,
  ...fields,
});

export const times = <T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => make(index)));
