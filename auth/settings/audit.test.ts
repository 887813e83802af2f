import { expect, it } from 'vitest';
import { loadAuthSettings } from '../load-settings.ts';
import { auditModeOf } from './audit.ts';

const key = Buffer.alloc(32, 7).toString('base64url');
const load = (env: Readonly<Record<string, string>>) =>
  loadAuthSettings({ env: { SALLYPORT_ROOT_KEYS: `1:${key}`, CSRF_KEYS: `1:${key}`, ...env } });
const mysql = { AUDIT_DATABASE_URL: 'mysql://audit@db.example.org/audit' };

it('is transactional where act and record commit together, else spooled, unless it is told', () => {
  const modeOf = (env: Readonly<Record<string, string>>) => auditModeOf(load(env).settings);
  expect(modeOf({})).toBe('transactional');
  expect(modeOf({ REDIS_URL: 'redis://localhost' })).toBe('spooled');
  expect(modeOf(mysql)).toBe('spooled');
  expect(modeOf({ ...mysql, AUDIT_MODE: 'write-ahead' })).toBe('write-ahead');
});

it.each([
  [{ REDIS_URL: 'redis://localhost' }, /AUDIT_MODE is transactional, and cannot be: sessions stand in Redis/],
  [mysql, /AUDIT_MODE is transactional, and cannot be: AUDIT_DATABASE_URL/],
])('is not called transactional where it cannot be: %o', (env, message) => {
  expect(() => load({ ...env, AUDIT_MODE: 'transactional' })).toThrow(message);
});

it('says what is wrong with the URL of the audit store, and no value of it', () => {
  const refused = (url: string) => () => load({ AUDIT_DATABASE_URL: url });
  expect(refused('mongodb://u:s3cret@db/audit')).toThrow(/AUDIT_DATABASE_URL must begin with mysql:/);
  expect(refused('mysql://u:s3cret@db')).toThrow(/names no database/);
  expect(refused('postgres://u:s3cret@db/audit?sslmode=prefer')).toThrow(/sslmode that is not served/);
  for (const url of ['mongodb://u:s3cret@db/a', 'mysql://u:s3cret@db', 'postgres://u:s3cret@db/a?sslmode=prefer'])
    expect(refused(url)).not.toThrow(/s3cret/);
  const { warnings } = load({ AUDIT_DATABASE_URL: 'mysql://u@db.example.org/audit?ssl-mode=DISABLED' });
  expect(JSON.stringify(warnings)).toMatch(/AUDIT_DATABASE_URL has ssl-mode=DISABLED/);
});
