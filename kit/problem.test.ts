import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { Problem } from '@sallyport/contract';
import Fastify, { type FastifyInstance, type InjectOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerClientError, fastifyProblemOptions, installProblemHandler, writeProblem } from './problem.ts';

const texts = { body_invalid: { error: 'Invalid request body' }, permission_denied: { error: 'No', hint: 'Ask' } };
const logged: { fields: Readonly<Record<string, unknown>>; message: string }[] = [];
const log = {
  error: (fields: Readonly<Record<string, unknown>>, message: string) => void logged.push({ fields, message }),
};

const thrown: Readonly<Record<string, unknown>> = {
  problem: new Problem('permission_denied'),
  busy: new Problem('busy', { retryAfterSeconds: 1.2 }),
  expired: new Problem('token_expired'),
  missing: new Problem('token_missing'),
  own: new Problem('token_missing', { headers: { 'www-authenticate': 'DPoP' } }),
  bug: new TypeError('db password is hunter2'),
  database: Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }),
  nothing: undefined,
  text: 'hunter2',
};

let app: FastifyInstance;
beforeAll(async () => {
  const ajv = { customOptions: { coerceTypes: false, removeAdditional: false, allErrors: true } } as const;
  app = Fastify({
    ...fastifyProblemOptions({ texts, log }),
    ajv,
    bodyLimit: 1000,
    routerOptions: { maxParamLength: 50 },
  });
  installProblemHandler(app, { texts, log });
  const body = {
    type: 'object',
    required: ['email', 'password'],
    additionalProperties: false,
    properties: {
      email: { type: 'string', maxLength: 10 },
      password: { type: 'string' },
      deep: { type: 'object', required: ['a/b'] },
    },
  };
  app.post('/users', { schema: { body } }, async () => ({}));
  app.get(
    '/users',
    { schema: { querystring: { type: 'object', additionalProperties: false, properties: {} } } },
    async () => ({}),
  );
  app.get('/users/:id', async () => ({}));
  app.get<{ Params: { what: string } }>('/throw/:what', async ({ params }) => {
    throw thrown[params.what];
  });
  await app.ready();
});
afterAll(() => app.close());

const ask = async (options: InjectOptions) => {
  const answer = await app.inject(options);
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
  const problem: Record<string, unknown> = answer.json();
  return { status: answer.statusCode, problem, headers: answer.headers, text: answer.body };
};
const post = (payload: string, type = 'application/json') =>
  ask({ method: 'POST', url: '/users', payload, headers: { 'content-type': type } });

describe('installProblemHandler', () => {
  it.each([
    ['{"email":', 400, 'body_invalid'],
    ['', 400, 'body_invalid'],
    ['{"__proto__":{"admin":true},"email":"a","password":"b"}', 400, 'body_invalid'],
    ['{"constructor":{"prototype":{}},"email":"a","password":"b"}', 400, 'body_invalid'],
    ['[]', 400, 'body_invalid'],
    ['3', 400, 'body_invalid'],
    ['{"email":"a","password":"b","role":"admin"}', 400, 'body_invalid'],
    ['{}', 400, 'field_missing'],
    ['{"email":"a","role":"admin"}', 400, 'field_missing'],
    ['{"email":["a"],"password":"b"}', 400, 'field_invalid'],
    ['{"email":"aaaaaaaaaaaaaaa","password":"b"}', 400, 'field_invalid'],
    [`{"email":"${'a'.repeat(2000)}"}`, 413, 'body_too_large'],
  ])('refuses the body %s', async (body, status, code) => {
    expect(await post(body)).toMatchObject({ status, problem: { status, code, type: `urn:sallyport:error:${code}` } });
  });

  it('names the members that were refused, in JSON pointers and stable codes', async () => {
    expect((await post('{"email":3,"deep":{}}')).problem['fields']).toEqual(
      expect.arrayContaining([
        { path: '/email', code: 'type', params: { type: 'string' } },
        { path: '/password', code: 'missing' },
        { path: '/deep/a~1b', code: 'missing' },
      ]),
    );
    expect((await post('{"email":"a","password":"b","role":1}')).problem['fields']).toEqual([
      { path: '/role', code: 'unknown' },
    ]);
  });

  it('tells the limit of a body that was too large', async () => {
    expect((await post(`{"email":"${'a'.repeat(2000)}"}`)).problem['params']).toEqual({ limitBytes: 1000 });
  });

  it('bounds what it says about a body of many unknown members', async () => {
    const body = JSON.stringify(Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`m${index}`, 1])));
    expect((await post(body)).problem['fields']).toHaveLength(20);
  });

  it('answers wrong content types, queries, targets and routes with their own codes', async () => {
    expect(await post('a=b', 'application/x-www-form-urlencoded')).toMatchObject({
      status: 415,
      problem: { code: 'media_type_unsupported' },
    });
    expect(await ask({ url: '/users?a=b' })).toMatchObject({ status: 400, problem: { code: 'query_invalid' } });
    expect(await ask({ url: '/users/%zz' })).toMatchObject({ status: 400, problem: { code: 'path_refused' } });
    expect(await ask({ url: `/users/${'a'.repeat(60)}` })).toMatchObject({
      status: 414,
      problem: { code: 'uri_too_long' },
    });
    expect(await ask({ url: '/nowhere?token=1' })).toMatchObject({
      status: 404,
      problem: { code: 'route_unknown', path: '/nowhere' },
    });
  });

  it('carries the preset text and hint, the request id, and the headers of the code', async () => {
    expect(await ask({ url: '/throw/problem' })).toMatchObject({
      status: 403,
      problem: { error: 'No', hint: 'Ask', instance: expect.stringMatching(/^req-/) },
    });
    expect((await ask({ url: '/throw/busy' })).headers['retry-after']).toBe('2');
    expect((await ask({ url: '/throw/expired' })).headers['www-authenticate']).toBe(
      'Bearer realm="sallyport", error="invalid_token"',
    );
    expect((await ask({ url: '/throw/missing' })).headers['www-authenticate']).toBe('Bearer realm="sallyport"');
    expect((await ask({ url: '/throw/own' })).headers['www-authenticate']).toBe('DPoP');
  });

  it.each(['bug', 'database', 'text'])('keeps the cause of a fault (%s) for the log', async (what) => {
    logged.length = 0;
    const answer = await ask({ url: `/throw/${what}` });
    expect(answer).toMatchObject({ status: 500, problem: { code: 'internal_error', error: 'Internal server error' } });
    expect(answer.text).not.toMatch(/hunter2|ECONN|stack/);
    expect(logged).toMatchObject([
      { fields: { code: 'internal_error', err: thrown[what] }, message: 'request failed' },
    ]);
  });
});

const serving = async (handler: RequestListener, use: (port: number) => Promise<void>): Promise<void> => {
  const server = createServer({ maxHeaderSize: 2000 }, handler);
  server.on('clientError', (error, socket) => answerClientError(error, socket as Socket, texts));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  await use((server.address() as AddressInfo).port).finally(() => server.close());
};

const sendRaw = async (port: number, request: string): Promise<string> => {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1');
  socket.write(request);
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  return answer;
};

describe('writeProblem', () => {
  it('answers on a plain response', async () => {
    await serving(
      (_, res) => writeProblem(res, new Problem('rate_limited', { retryAfterSeconds: 7 }), texts, 'r1'),
      async (port) => {
        const answer = await fetch(`http://127.0.0.1:${port}/`);
        expect(answer.status).toBe(429);
        expect(answer.headers.get('retry-after')).toBe('7');
        expect(await answer.json()).toMatchObject({ code: 'rate_limited', instance: 'r1' });
      },
    );
  });

  it('cuts the connection where an answer has begun', async () => {
    await serving(
      (_, res) => {
        res.write('half');
        writeProblem(res, new Problem('upstream_unavailable'), texts);
      },
      async (port) => {
        await expect(fetch(`http://127.0.0.1:${port}/`).then((answer) => answer.text())).rejects.toThrow();
      },
    );
  });
});

describe('answerClientError', () => {
  it('answers what is no HTTP, and headers beyond the limit', async () => {
    await serving(
      (_, res) => res.end(),
      async (port) => {
        expect(await sendRaw(port, 'hello\r\n\r\n')).toMatch(/^HTTP\/1.1 400 [\s\S]*"code":"request_malformed"/);
        const long = `GET / HTTP/1.1\r\nhost: a\r\nx: ${'a'.repeat(3000)}\r\n\r\n`;
        expect(await sendRaw(port, long)).toMatch(/^HTTP\/1.1 431 [\s\S]*"code":"headers_too_large"/);
      },
    );
  });
});
