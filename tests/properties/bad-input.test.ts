/**
 * Properties of the running servers, over generated input. The routes come from the OpenAPI document that the server serves, so
 * that a new route is covered on the day it appears.
 */
import { isErrorCode } from '@sallyport/contract';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Operation, readOperations, schemasIn } from '../testing/api-document.ts';
import { type RowCounts, rowCounts } from '../testing/database.ts';
import { type Answer, type Call, httpClient, type Sent } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { type LoggedIn, signUp } from '../testing/people.ts';

let issuer: Issuer;
let call: Call;
let ann: LoggedIn;
let operations: readonly Operation[];
let before: RowCounts;
/** What each route was seen to answer: `login body_invalid`. */
const emitted = new Set<string>();

beforeAll(async () => {
  issuer = await startIssuer();
  call = httpClient(issuer.url);
  ann = await signUp(call);
  operations = await readOperations(call);
  before = await rowCounts(issuer.folder.database);
});
afterAll(() => issuer.remove());

const refusals = [400, 401, 404, 405, 413, 415];
const json = { 'content-type': 'application/json' };

const send = (operation: Operation, sent: Sent, path = operation.path.replace(/{\w+}/g, ann.userId)): Promise<Answer> =>
  call(operation.method, path, sent);

const expectRefused = (operation: Operation, answer: Answer, statuses: readonly number[] = refusals): void => {
  const told = `${operation.method} ${operation.path}: ${answer.status} ${answer.text.slice(0, 300)}`;
  expect(statuses, told).toContain(answer.status);
  expect(answer.headers['content-type'], told).toMatch(/^application\/problem\+json/);
  expect(isErrorCode(answer.body['code']), told).toBe(true);
  expect(answer.body['status'], told).toBe(answer.status);
  emitted.add(`${operation.id} ${String(answer.body['code'])}`);
};

/** Runs a property over every route of a kind, and asks afterwards whether anything was stored and whether the server lives. */
const forEvery = async <T>(
  takes: (operation: Operation) => boolean,
  input: fc.Arbitrary<T>,
  check: (operation: Operation, value: T) => Promise<void>,
  numRuns = 12,
): Promise<void> => {
  const chosen = operations.filter(takes);
  expect(chosen.length).toBeGreaterThan(0);
  for (const operation of chosen) {
    await fc.assert(
      fc.asyncProperty(input, (value) => check(operation, value)),
      { numRuns },
    );
  }
  expect(await rowCounts(issuer.folder.database)).toEqual(before);
  expect((await call('GET', '/health')).status).toBe(200);
};

const any = () => true;
const hasBody = ({ body }: Operation) => body !== undefined;
const changes = ({ method }: Operation) => method !== 'GET';
const members = ({ body }: Operation): string[] => Object.keys(body?.properties ?? {});
const bearerFor = ({ bearer }: Operation) => (bearer ? { bearer: ann.access } : {});

/** A body that the route would look at; a fresh address each time, so that nothing stands in its way. */
let people = 0;
const soundBody = (operation: Operation): Record<string, unknown> => {
  people += 1;
  const sound: Readonly<Record<string, string>> = {
    email: `person-${people}@example.org`,
    refresh_token: 'x'.repeat(74),
  };
  return Object.fromEntries(members(operation).map((name) => [name, sound[name] ?? 'correct horse battery']));
};

const notText = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
  fc.array(fc.string(), { maxLength: 3 }),
  fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 }),
);
const noObject = fc.oneof(
  notText.filter((value) => typeof value !== 'object' || value === null || Array.isArray(value)),
  fc.string(),
);

describe('bad input on every route', () => {
  it('that is no JSON is 400', () =>
    forEvery(
      (operation) => hasBody(operation),
      fc.record({ cut: fc.double({ min: 0.05, max: 0.95, noNaN: true }), junk: fc.string({ minLength: 1 }) }),
      async (operation, { cut, junk }) => {
        const text = JSON.stringify(soundBody(operation));
        const cutOff = text.slice(0, Math.floor(text.length * cut));
        for (const body of [
          cutOff,
          `${text}${junk.trim() || 'x'}`,
          `${text},`,
          `'${text}'`,
          text.replaceAll('"', "'"),
        ]) {
          if (body === '') continue;
          const answer = await send(operation, { body, headers: json, ...bearerFor(operation) });
          expectRefused(operation, answer, [400]);
          expect(answer.body['code']).toBe('body_invalid');
        }
      },
    ));

  it('that is JSON but no object is 400', () =>
    forEvery(hasBody, noObject, async (operation, value) => {
      const answer = await send(operation, { body: JSON.stringify(value), headers: json, ...bearerFor(operation) });
      expectRefused(operation, answer, [400]);
    }));

  it('that holds numbers, arrays, objects, booleans or null for strings is 400', () =>
    forEvery(hasBody, fc.tuple(notText, fc.nat()), async (operation, [value, which]) => {
      const names = members(operation);
      const name = names[which % names.length] ?? '';
      const body = { ...soundBody(operation), [name]: value };
      const answer = await send(operation, { body, ...bearerFor(operation) });
      expectRefused(operation, answer, [400]);
      expect(answer.body['code']).toBe('field_invalid');
    }));

  it('that holds members it does not know is 400, such as role', () =>
    forEvery(
      hasBody,
      fc.tuple(
        fc.oneof(
          fc.constantFrom('role', 'roles', 'permissions', 'id', 'disabled', 'is_admin', 'toString'),
          fc.string(),
        ),
        fc.jsonValue({ maxDepth: 2 }),
      ),
      async (operation, [name, value]) => {
        fc.pre(!members(operation).includes(name) && name !== '__proto__');
        const answer = await send(operation, {
          body: { ...soundBody(operation), [name]: value },
          ...bearerFor(operation),
        });
        expectRefused(operation, answer, [400]);
        expect(answer.body['code']).toBe('body_invalid');
      },
    ));

  it('that reaches for a prototype is 400 and changes no object', () =>
    forEvery(
      hasBody,
      fc.constantFrom(
        '"__proto__":{"role":"admin"}',
        '"__proto__":null',
        '"__proto__":[]',
        '"\\u005f_proto__":{"isAdmin":true}',
        '"constructor":{"prototype":{"role":"admin"}}',
        '"constructor":1',
        '"prototype":{}',
        '"hasOwnProperty":1',
      ),
      async (operation, member) => {
        const text = JSON.stringify(soundBody(operation));
        for (const body of [text.replace('{', `{${member},`), text.replace(/}$/, `,${member}}`), `{${member}}`]) {
          expectRefused(operation, await send(operation, { body, headers: json, ...bearerFor(operation) }), [400]);
        }
      },
    ));

  it('that nests deep, or repeats much, is refused', () =>
    forEvery(
      hasBody,
      fc.tuple(fc.integer({ min: 10, max: 3000 }), fc.constantFrom(['[', ']'], ['{"a":', '}'])),
      async (operation, [depth, [open = '', close = '']]) => {
        const nested = open.repeat(depth) + (open === '[' ? '' : '1') + close.repeat(depth);
        const text = JSON.stringify(soundBody(operation));
        const body = text.replace('{', `{"x":${nested},`);
        for (const sent of [nested, body]) {
          const answer = await send(operation, { body: sent, headers: json, ...bearerFor(operation) });
          expectRefused(operation, answer, [400, 413]);
        }
      },
      6,
    ));

  it('that is of another content type is 415', () =>
    forEvery(
      hasBody,
      fc.constantFrom(
        'application/x-www-form-urlencoded',
        'multipart/form-data; boundary=x',
        'text/plain',
        'text/plain;charset=UTF-8',
        'text/json',
        'application/xml',
        'application/octet-stream',
        'application/jsonp',
        'application/cbor',
        'x',
        undefined,
      ),
      async (operation, type) => {
        const body = JSON.stringify(soundBody(operation));
        const headers = type === undefined ? {} : { 'content-type': type };
        expectRefused(operation, await send(operation, { body, headers, ...bearerFor(operation) }), [415]);
      },
      24,
    ));

  it('that is a megabyte is 413, whatever it says', () =>
    forEvery(
      changes,
      fc.constantFrom('{"email":"', '[', '"', 'x', '\u0000'),
      async (operation, start) => {
        const headers = { ...json, 'user-agent': 'large' };
        const answer = await send(operation, { body: start + 'a'.repeat(1_000_000), headers, ...bearerFor(operation) });
        expectRefused(operation, answer, [413]);
        expect(answer.body['params']).toEqual({ limitBytes: 16_384 });
      },
      3,
    ));

  it('that holds strings of extreme length is 400', () =>
    forEvery(
      hasBody,
      fc.tuple(fc.integer({ min: 1025, max: 15_000 }), fc.nat()),
      async (operation, [length, which]) => {
        const names = members(operation);
        const body = { ...soundBody(operation), [names[which % names.length] ?? '']: 'a'.repeat(length) };
        expectRefused(operation, await send(operation, { body, ...bearerFor(operation) }), [400]);
      },
    ));

  it('that holds lone surrogates is 400: no store or hash could keep them apart', () =>
    forEvery(
      // A refresh token is looked up and never stored: what is none is unknown, and logout answers that with 200.
      (operation) => members(operation).some((name) => /email|password/.test(name)),
      fc.tuple(fc.constantFrom('\ud800', '\udfff', 'a\udc00b', 'x\ud83d'), fc.nat()),
      async (operation, [text, which]) => {
        const names = members(operation);
        const body = { ...soundBody(operation), [names[which % names.length] ?? '']: `${text}longer than eight` };
        expectRefused(operation, await send(operation, { body, ...bearerFor(operation) }), [400]);
      },
    ));

  it('that holds control characters where a name or address belongs is 400', () =>
    forEvery(
      (operation) => members(operation).some((name) => name === 'email' || name === 'name'),
      fc.tuple(fc.constantFrom('\u0000', '\r\n', '\u001b[2J', '\u007f', '\u0085'), fc.constantFrom('email', 'name')),
      async (operation, [text, name]) => {
        fc.pre(members(operation).includes(name));
        const body = { ...soundBody(operation), [name]: `ann${text}@example.org` };
        expectRefused(operation, await send(operation, { body, ...bearerFor(operation) }), [400, 401]);
      },
    ));

  it('without a token is 401 on every route that needs one, or says what else is wrong', () =>
    forEvery(
      ({ bearer }) => bearer,
      fc.jsonValue(),
      async (operation, value) => {
        const body = operation.method === 'GET' ? {} : { body: JSON.stringify(value), headers: json };
        expectRefused(operation, await send(operation, body), [400, 401]);
        if (!hasBody(operation)) expectRefused(operation, await send(operation, {}), [401]);
      },
    ));

  it('in the path is 400 or 404', () =>
    forEvery(
      ({ parameters }) => parameters.length > 0,
      fc.oneof(
        fc.constantFrom(
          '%',
          '%zz',
          '%00',
          '%2e%2e',
          '..',
          '%2f',
          '%c0%ae',
          '%ed%a0%80',
          'x'.repeat(36),
          'x'.repeat(5000),
          '__proto__',
        ),
        fc.string({ minLength: 1 }).map((text) => encodeURIComponent(text.toWellFormed())),
      ),
      async (operation, hostile) => {
        const path = operation.path.replace(/{\w+}/, hostile);
        fc.pre(path !== operation.path.replace('/{id}', '/'));
        expectRefused(operation, await send(operation, bearerFor(operation), path), [400, 404, 414]);
      },
      40,
    ));

  it('as a method that a route does not have is 404 or 405', () =>
    forEvery(any, fc.constantFrom('PUT', 'PATCH', 'TRACE', 'PROPFIND', 'LINK'), async (operation, method) => {
      const answer = await call(method, operation.path.replace(/{\w+}/g, ann.userId), bearerFor(operation));
      expectRefused({ ...operation, id: 'none' }, answer, [404, 405]);
    }));
});

describe('the document', () => {
  it('declares every code that a route was seen to emit', () => {
    const declared = new Map(operations.map(({ id, codes }) => [id, codes]));
    const undeclared = [...emitted].filter((seen) => {
      const [id = '', code = ''] = seen.split(' ');
      return declared.get(id)?.has(code) === false;
    });
    expect(emitted.size).toBeGreaterThan(30);
    expect(undeclared).toEqual([]);
  });

  it('closes every object: no body takes, and no answer holds, a member that nobody described', () => {
    const bodies = operations.flatMap(({ body, parameters }) => [body, ...parameters.map(({ schema }) => schema)]);
    for (const schema of bodies.flatMap(schemasIn).filter(({ type }) => type === 'object')) {
      expect(schema.additionalProperties, JSON.stringify(schema)).toBe(false);
    }
    const answers = operations.flatMap(({ answers: own }) => own).flatMap(schemasIn);
    const objects = answers.filter(({ type, properties }) => type === 'object' && properties !== undefined);
    expect(objects.length).toBeGreaterThan(10);
    for (const schema of objects) expect(schema.additionalProperties, JSON.stringify(schema)).toBe(false);
  });

  it('bounds every string that a body takes', () => {
    const texts = operations.flatMap(({ body }) => schemasIn(body)).filter(({ type }) => type === 'string');
    expect(texts.length).toBeGreaterThan(8);
    for (const schema of texts) expect(schema['maxLength'], JSON.stringify(schema)).toEqual(expect.any(Number));
  });
});
