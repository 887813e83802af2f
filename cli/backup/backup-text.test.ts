import { expect, it } from 'vitest';
import { backupText } from './backup-text.ts';

const beside = { keep: ['SALLYPORT_ROOT_KEYS', 'JWT_SECRET'], isRedisApart: false };
const file = { kind: 'sqlite', file: '/b.db', bytes: 4096, users: 2, sessions: 3, ...beside } as const;

it('says what it has, what has to be kept beside it, and what is not in it', () => {
  expect(backupText(file, false)).toContain('/b.db: 4096 bytes, 2 users, 3 sessions; sound.\nKeep apart from it');
  expect(backupText(file, false)).not.toContain('Redis');
  expect(backupText({ ...file, isRedisApart: true }, false)).toContain('Sessions stand in Redis');
  expect(JSON.parse(backupText(file, true))).toEqual(file);
});
