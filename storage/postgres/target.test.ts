import { describe, expect, it } from 'vitest';
import { parseTarget } from './target.ts';

describe('a PostgreSQL is named', () => {
  it('by a URL, with what it encodes', () => {
    expect(parseTarget('postgresql://auth:p%40ss%2Fword@db.example:6432/auth_db?sslmode=verify-ca')).toEqual({
      hosts: [{ host: 'db.example', port: 6432 }],
      database: 'auth_db',
      user: 'auth',
      password: 'p@ss/word',
      tls: 'verify-ca',
    });
    expect(parseTarget('postgres://auth@[::1]:5433')).toMatchObject({
      hosts: [{ host: '::1', port: 5433 }],
      database: 'auth',
    });
  });

  it("by libpq's pairs, with what they quote", () => {
    expect(
      parseTarget(
        "host=db user=auth password='it\\'s a secret' dbname=auth_db sslmode=disable port=5433 TimeZone=Asia/Tokyo",
      ),
    ).toEqual({
      hosts: [{ host: 'db', port: 5433 }],
      database: 'auth_db',
      user: 'auth',
      password: "it's a secret",
      tls: 'disable',
    });
  });

  it('with several hosts, or the folder of a socket', () => {
    expect(parseTarget('postgres://auth@one,two:6000/db').hosts).toEqual([
      { host: 'one', port: 5432 },
      { host: 'two', port: 6000 },
    ]);
    expect(parseTarget('postgres:///db?host=/run/postgresql&user=auth')).toMatchObject({
      hosts: [{ host: '/run/postgresql', port: 5432 }],
      tls: 'disable',
    });
  });

  it.each([
    ['postgres://auth@localhost/db', 'disable'],
    ['postgres://auth@127.0.0.9/db', 'disable'],
    ['host=/run/postgresql user=auth', 'disable'],
    ['postgres://auth@db/db', 'verify-full'],
    ['postgres://auth@10.0.0.5/db', 'verify-full'],
    ['postgres://auth@127.0.0.1,db/db', 'verify-full'],
    ['postgres://auth@127.evil.example/db', 'verify-full'],
  ])('and verified where nothing else is said, except on this machine: %s', (text, tls) => {
    expect(parseTarget(text).tls).toBe(tls);
  });

  it('with a password of its own, or one beside it, and never with two', () => {
    expect(parseTarget('postgres://auth@db/db', 'beside').password).toBe('beside');
    expect(parseTarget('postgres://auth:same@db/db', 'same').password).toBe('same');
    expect(() => parseTarget('postgres://auth:one@db/db', 'two')).toThrow(/^holds another password than DB_PASSWORD/);
  });

  it.each([
    ['postgres://db/db', /^names no user/],
    ['postgres://auth@db/db?sslmode=prefer', /^has an sslmode that is not served: use disable, require, verify-ca/],
    ['postgres://auth@db/db?channel_binding=require', /^holds channel_binding, which is not known here/],
    // The rest of a password that was not quoted has the form of a parameter.
    ['host=db user=auth password=a secret=b', /^holds something, which is not known here/],
    ['postgres://auth@db/db?target_session_attrs=standby', /^wants a replica/],
    ['postgres://auth@db:port/db', /^(names a host|is not a URL)/],
    // The rest of a password would be looked up as a name, in clear.
    ['postgres://auth:pa@secret@db/db', /^names a host that cannot be read: write @ in a password as %40/],
    ['postgres://auth:pa@secret@db:5432,two/db', /^names a host that cannot be read/],
    ["host='db secret' user=auth", /^names a host that cannot be read/],
    ['postgres://auth@db/db?host=a%40secret', /^names a host that cannot be read/],
    ['postgres://auth@db:70000/db', /^names a port that is none/],
    ['postgres://auth:se%cret@db/db', /^holds a percent sign/],
    ["host=db user=auth password='secret", /^is neither a postgres:\/\/ URL nor/],
    ['host=db secret user=auth', /^is neither/],
    ['host=a,b port=1,2,3 user=auth', /^names more ports than hosts/],
  ])('not at all, and no secret is told: %s', (text, message) => {
    expect(() => parseTarget(text)).toThrow(message);
    expect(() => parseTarget(text)).not.toThrow(/se.?cret/);
  });
});
