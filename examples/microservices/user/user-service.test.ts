import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newUserId, removeFolders, type Started, startIssuer, startReal } from '../testing/rig.ts';
import { userService } from './service.ts';

let issuer: Awaited<ReturnType<typeof startIssuer>>;
let service: Started;
beforeAll(async () => {
  issuer = await startIssuer();
  service = await startReal(userService, { AUTH_SERVICE_URL: issuer.url });
});
afterAll(async () => {
  await service.stop();
  issuer.stop();
  removeFolders();
});

describe('profile', () => {
  it('takes the name from the assertion at the first call, and keeps changes over a restart', async () => {
    const id = newUserId();
    const first = await service.as(id)('GET', '/users/profile');
    expect(first.body).toEqual({ user: { id, email: 'ada@example.com', name: 'Ada', bio: '' } });
    const changed = await service.as(id)('PUT', '/users/profile', { body: { bio: 'Countess ☕' } });
    expect(changed.body).toEqual({
      message: 'Profile updated successfully',
      user_id: id,
      updated: { name: 'Ada', bio: 'Countess ☕' },
    });
    await service.stop();
    service = await startReal(userService, { AUTH_SERVICE_URL: issuer.url, SALLYPORT_DATA_DIR: service.dataDir });
    const after = await service.as(id)('GET', '/users/profile');
    expect(after.body).toEqual({ user: { id, email: 'ada@example.com', name: 'Ada', bio: 'Countess ☕' } });
  });

  it('shows and changes nobody else’s', async () => {
    const [one, other] = [newUserId(), newUserId()];
    await service.as(one)('PUT', '/users/profile', { body: { name: 'One' } });
    await service.as(other)('PUT', '/users/profile', { body: { name: 'Other' } });
    expect((await service.as(one)('GET', '/users/profile')).body).toMatchObject({ user: { id: one, name: 'One' } });
  });

  it.each([
    ['broken JSON', { raw: '{' }, 'body_invalid'],
    ['an empty body', { raw: '' }, 'body_invalid'],
    ['an array', { body: [] }, 'body_invalid'],
    ['a string', { body: 'x' }, 'body_invalid'],
    ['null', { body: null }, 'body_invalid'],
    ['a number for a text', { body: { name: 1 } }, 'field_invalid'],
    ['an object for a text', { body: { bio: {} } }, 'field_invalid'],
    ['an empty name', { body: { name: '' } }, 'field_invalid'],
    ['a name too long', { body: { name: 'x'.repeat(101) } }, 'field_invalid'],
    ['an unknown member', { body: { bio: 'x', role: 'admin' } }, 'body_invalid'],
    ['__proto__', { raw: '{"__proto__":{"name":"x"}}' }, 'body_invalid'],
    ['constructor.prototype', { raw: '{"constructor":{"prototype":{}}}' }, 'body_invalid'],
  ])('refuses %s: 400 Invalid request body, and stores nothing', async (_name, options, code) => {
    const id = newUserId();
    const answer = await service.as(id)('PUT', '/users/profile', options);
    expect([answer.status, answer.type]).toEqual([400, 'application/problem+json']);
    expect(answer.body).toMatchObject({ code, error: 'Invalid request body' });
    expect((await service.as(id)('GET', '/users/profile')).body).toMatchObject({ user: { name: 'Ada', bio: '' } });
  });

  it('refuses forms and large bodies with codes of their own', async () => {
    const call = service.as(newUserId());
    const form = { raw: 'name=x', headers: { 'content-type': 'application/x-www-form-urlencoded' } };
    expect(await call('PUT', '/users/profile', form)).toMatchObject({
      status: 415,
      body: { code: 'media_type_unsupported' },
    });
    expect(await call('PUT', '/users/profile', { body: { bio: 'x'.repeat(1_000_000) } })).toMatchObject({
      status: 413,
      body: { code: 'body_too_large' },
    });
  });
});

describe('the end of an account', () => {
  const authorization = 'Bearer the-users-own';
  const bearer = { headers: { authorization } };

  it('ends it at the issuer with the user’s own bearer, then forgets the profile for good', async () => {
    const id = newUserId();
    const call = service.as(id);
    await call('PUT', '/users/profile', { body: { bio: 'secret' } });
    issuer.next.answer = { status: 200, body: { message: 'x', user_id: id } };
    issuer.asked.length = 0;
    const answer = await call('DELETE', '/users/account', bearer);
    expect(answer.body).toEqual({ message: 'Account deleted successfully', user_id: id });
    expect(issuer.asked).toEqual([`DELETE /auth/account ${authorization}`]);
    // An access token may outlive its account by seconds; it must not make the profile anew.
    expect(await call('GET', '/users/profile')).toMatchObject({ status: 401, body: { code: 'user_unknown' } });
    expect((await call('PUT', '/users/profile', { body: { bio: 'x' } })).status).toBe(401);
  });

  it.each([
    ['refuses the token', { status: 401, body: { code: 'token_expired' } }, 401, 'token_expired'],
    [
      'has no store',
      { status: 503, body: { code: 'store_unavailable' }, headers: { 'retry-after': '3' } },
      503,
      'store_unavailable',
    ],
    ['fails', { status: 500, body: { code: 'internal_error' } }, 502, 'upstream_unavailable'],
    ['speaks another language', { status: 403, body: '<html>' }, 502, 'upstream_unavailable'],
    ['names an unknown code', { status: 400, body: { code: 'constructor' } }, 502, 'upstream_unavailable'],
    ['sends us elsewhere', { status: 307, body: '', headers: { location: '/x' } }, 502, 'upstream_unavailable'],
    ['ends somebody else', { status: 200, body: { user_id: newUserId() } }, 500, 'internal_error'],
  ])('deletes nothing where the issuer %s', async (_name, issuersAnswer, status, code) => {
    const call = service.as(newUserId());
    await call('PUT', '/users/profile', { body: { bio: 'still here' } });
    issuer.next.answer = issuersAnswer;
    expect(await call('DELETE', '/users/account', bearer)).toMatchObject({ status, body: { code } });
    expect((await call('GET', '/users/profile')).body).toMatchObject({ user: { bio: 'still here' } });
  });

  it('deletes nothing without a bearer, and asks nobody', async () => {
    issuer.asked.length = 0;
    const answer = await service.as(newUserId())('DELETE', '/users/account');
    expect(answer).toMatchObject({ status: 401, body: { code: 'token_missing' } });
    expect(issuer.asked).toEqual([]);
  });
});
