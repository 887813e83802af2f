import { describe, expect, it } from 'vitest';
import { encode, forgeText, goodClaims, goodHeader, mint, outcome, rigs, verifierOf } from '../testing/rig.ts';
import { withSabotage } from '../testing/sabotage.ts';

const rig = rigs.ES256;
const token = mint(rig);
const [header = '', payload = '', signature = ''] = token.split('.');
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const bumped = signature.replace(/.$/, (end) => alphabet.charAt(alphabet.indexOf(end) + 1));

describe('another spelling of a good token is refused', () => {
  it.each([
    ['padding', `${token}==`],
    ['padding of the header', `${header}=.${payload}.${signature}`],
    ['non-zero trailing bits', `${header}.${payload}.${bumped}`],
    ['a trailing dot', `${token}.`],
    ['a fourth part', `${token}.e30`],
    ['a fifth part (JWE)', `${token}.e30.e30`],
    ['two parts', `${header}.${payload}`],
    ['a leading dot', `.${token}`],
    ['an empty payload', `${header}..${signature}`],
    ['a space after', `${token} `],
    ['a space before', ` ${token}`],
    ['a newline after', `${token}\n`],
    ['a newline inside', `${header}.${payload}\n.${signature}`],
    ['a NUL after', `${token}\u0000`],
    ['a foreign character', `${header}.${payload}*.${signature}`],
    ['a full-width dot', `${header}\uff0e${payload}\uff0e${signature}`],
    ['a character that folds to one byte', `${header}.${payload}.${signature.slice(0, -1)}\u0141`],
    ['base64 instead of base64url', token.replaceAll('-', '+').replaceAll('_', '/').replace(/^/, '+')],
    ['percent encoding', token.replace('.', '%2e')],
    ['quotes', `"${token}"`],
    ['JSON serialisation', JSON.stringify({ protected: header, payload, signature })],
    ['nothing', ''],
    ['dots', '..'],
  ])('%s', (_name, spelled) => {
    expect(spelled).not.toBe(token);
    // First in an empty cache, then while the good spelling is cached.
    const verifier = verifierOf(rig);
    expect(outcome(verifier.verify(spelled))).not.toBe('ok');
    expect(outcome(verifier.verify(token))).toBe('ok');
    expect(outcome(verifier.verify(spelled))).not.toBe('ok');
    expect(outcome(verifier.verify(token))).toBe('ok');
  });

  it.each([undefined, null, 7, {}, [token], Buffer.from(token)])('no string at all: %j', (value) => {
    expect(outcome(verifierOf(rig).verify(value as never))).toBe('malformed');
  });

  it('beyond 8 KB, before anything is decoded', () => {
    expect(outcome(verifierOf(rig).verify(mint(rig, { x: 'x'.repeat(8192) })))).toBe('oversize');
    expect(outcome(verifierOf(rig, {}, { maxTokenBytes: 100 }).verify(token))).toBe('oversize');
  });
});

describe('duplicate members are refused', () => {
  const head = JSON.stringify(goodHeader(rig));
  const body = JSON.stringify(goodClaims);
  it.each([
    ['alg', head.replace('{', '{"alg":"none",'), body, 'header_json'],
    ['kid, the second spelled with an escape', head.replace('{', '{"\\u006bid":"x",'), body, 'header_json'],
    ['sub', head, body.replace('{', '{"sub":"root",'), 'payload_json'],
    ['sub at the end', head, body.replace(/}$/, ',"sub":"root"}'), 'payload_json'],
    ['roles, the same twice', head, body.replace('{', '{"roles":["user","admin"],'), 'payload_json'],
    ['a nested member', head, body.replace('{', '{"cnf":{"jkt":"a","jkt":"b"},'), 'payload_json'],
    ['a member inside an array', head, body.replace('{', '{"x":[{"a":1,"a":1}],'), 'payload_json'],
  ])('%s', (_name, headText, bodyText, reason) => {
    expect(outcome(verifierOf(rig).verify(forgeText(rig, headText, bodyText)))).toBe(reason);
  });
});

describe('is known to be able to fail', () => {
  const issuer = { issuer: 'auth-service', audience: 'api', algorithms: [rig.alg], keys: rig.source };
  const options = { issuers: [issuer], clock: { nowMs: () => 1_800_000_000_000 } };

  it('with a lenient decoder a second spelling passes', async () => {
    const change = {
      file: 'jws/base64url.ts',
      find: "bytes.toString('base64url') === text ? bytes : undefined",
      replace: 'bytes',
    };
    await withSabotage([change], ({ createAccessTokenVerifier }) => {
      expect(createAccessTokenVerifier(options).verify(`${header}.${payload}.${bumped}`)).toMatchObject({ ok: true });
    });
  });

  it('without the count of members the last of two subs wins', async () => {
    const change = {
      file: 'jws/strict-json.ts',
      find: 'if (!hasEveryMemberOnce(text, value)) return undefined;',
      replace: '',
    };
    const twice = forgeText(
      rig,
      JSON.stringify(goodHeader(rig)),
      JSON.stringify(goodClaims).replace(/}$/, ',"sub":"root"}'),
    );
    await withSabotage([change], ({ createAccessTokenVerifier }) => {
      expect(createAccessTokenVerifier(options).verify(twice)).toMatchObject({
        ok: true,
        token: { claims: { sub: 'root' } },
      });
    });
  });

  it('with a cache that compares the end only, a foreign token is a hit', async () => {
    const replace = 'entry.token.slice(-32) !== token.slice(-32)';
    const change = { file: 'access/token-cache.ts', find: 'entry.token !== token', replace };
    await withSabotage([change], ({ createAccessTokenVerifier }) => {
      const verifier = createAccessTokenVerifier(options);
      expect(verifier.verify(token)).toMatchObject({ ok: true });
      const forged = `${header}.${encode(JSON.stringify({ ...goodClaims, sub: 'root' }))}.${signature}`;
      expect(verifier.verify(forged)).toMatchObject({ ok: true });
    });
  });
});
