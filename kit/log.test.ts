import { describe, expect, it } from 'vitest';
import { createLog, type Log, type LogOptions, logRequest, pathOf, type RequestLine, redactPathsOf } from './log.ts';

const recording = (options: Partial<LogOptions> = {}) => {
  const lines: string[] = [];
  const log = createLog({
    name: 'test',
    level: 'debug',
    destination: { write: (line) => void lines.push(line) },
    ...options,
  });
  return { log, lines, read: (): Record<string, unknown>[] => lines.map((line) => JSON.parse(line)) };
};

const secret = 'hunter2-planted';
const schema = {
  type: 'object',
  properties: {
    email: { type: 'string' },
    password: { type: 'string', secret: true },
    'x-csrf-token': { type: 'string', secret: true },
    codes: { type: 'array', items: { type: 'object', properties: { value: { type: 'string', secret: true } } } },
    user: { anyOf: [{ type: 'null' }, { type: 'object', properties: { token: { type: 'string', secret: true } } }] },
    keys: { type: 'object', secret: true, properties: { inner: { type: 'string' } } },
  },
};

describe('redactPathsOf', () => {
  it('collects the tagged members at every depth', () => {
    expect(redactPathsOf(schema)).toEqual(['/codes/*/value', '/keys', '/password', '/user/token', '/x-csrf-token']);
    expect(redactPathsOf({ type: 'string' })).toEqual([]);
  });

  it('refuses a schema that it could not follow to the end', () => {
    let deep: object = { type: 'string', secret: true };
    for (let level = 0; level < 20; level += 1) deep = { type: 'object', properties: { next: deep } };
    expect(() => redactPathsOf(deep)).toThrow(RangeError);
  });
});

describe('createLog', () => {
  it('cuts tagged members out at every depth, in any case, also of child logs', () => {
    const { log, lines } = recording({ redact: redactPathsOf(schema) });
    const body = {
      email: 'a@example.org',
      password: secret,
      'x-csrf-token': secret,
      codes: [{ value: secret }, { value: secret }],
      user: { token: secret },
      keys: { inner: secret },
    };
    log.info(body, 'root');
    log.info({ body }, 'one below');
    log.info({ request: { parts: [{ body }] } }, 'far below');
    log.info({ email: 'a@example.org', PASSWORD: secret }, 'in another case');
    log
      .child({ email: 'a@example.org', password: secret })
      .child({ user: { token: secret } })
      .info('of a child');
    expect(lines.join('')).not.toContain(secret);
    expect(lines).toHaveLength(5);
    expect(lines.every((line) => line.includes('a@example.org'))).toBe(true);
  });

  it('keeps a member of the same name elsewhere', () => {
    const { log, read } = recording({ redact: ['/user/token', '/codes/*/value'] });
    log.info({ token: 'kind', other: { token: 'kind' }, codes: { value: 1 }, list: [{ value: 2 }] });
    expect(read()[0]).toMatchObject({
      token: 'kind',
      other: { token: 'kind' },
      codes: { value: 1 },
      list: [{ value: 2 }],
    });
  });

  it('writes no bytes, ends a ring of objects, and leaves the caller its object', () => {
    const { log, lines } = recording({ redact: ['/password'] });
    const ring: Record<string, unknown> = { password: secret, bytes: Buffer.from(secret), at: new Date(0) };
    ring['self'] = ring;
    log.info(ring);
    expect(lines.join('')).toMatch(/"bytes":"\[15 bytes\]","at":"1970-01-01T00:00:00.000Z".*\[too deep\]/);
    expect(lines.join('')).not.toContain(secret);
    expect(ring['password']).toBe(secret);
  });

  it('names instances of classes instead of opening them', () => {
    const { log, lines } = recording();
    class Connection {
      readonly phrase = secret;
    }
    log.info({ req: new Connection(), list: [new Connection()], map: new Map([['a', secret]]), run: () => secret });
    expect(lines.join('')).toContain('"req":"[Connection]","list":["[Connection]"],"map":"[Map]","run":"[function]"');
    expect(lines.join('')).not.toContain(secret);
  });

  it('cuts out headers that carry credentials without being told', () => {
    const { log, lines } = recording();
    const headers = { authorization: secret, cookie: secret, 'set-cookie': [secret], 'x-gateway-assertion': secret };
    log.info({ headers, request: { headers } });
    expect(lines.join('')).not.toContain(secret);
  });

  it('writes of an error its name, code, message, stack and causes, and nothing else', () => {
    const { log, read } = recording();
    const cause = Object.assign(new TypeError('inner'), { code: 'E1', parameters: [secret] });
    log.error({ err: Object.assign(new Error('outer', { cause }), { query: secret }) }, 'failed');
    const [line] = read();
    expect(JSON.stringify(line)).not.toContain(secret);
    expect(line).toMatchObject({
      level: 'error',
      name: 'test',
      err: { name: 'Error', message: 'outer', cause: { name: 'TypeError', code: 'E1', message: 'inner' } },
    });
  });

  it('ends a ring of causes and tells nothing of a thrown value that is no error', () => {
    const { log, lines } = recording();
    const ring = new Error('ring');
    ring.cause = ring;
    log.error({ err: ring });
    log.error({ err: { token: secret } });
    log.error({ err: secret });
    expect(lines).toHaveLength(3);
    expect(lines.join('')).not.toContain(secret);
  });
});

describe('the path that is told', () => {
  it.each([
    ['/a?token=x', '/a'],
    ['http://ada:secret@host/a?b', 'http://host/a'],
    ['HTTPS://ada@host', 'HTTPS://host'],
    ['//ada:secret@host/a', '//host/a'],
    ['/mail/ada@host', '/mail/ada@host'],
    ['/a//b@c', '/a//b@c'],
    [`/${'x'.repeat(2000)}`, `/${'x'.repeat(1023)}`],
    ['*', '*'],
  ])('of %s is %s', (target, path) => {
    expect(pathOf(target)).toBe(path);
  });
});

describe('logRequest', () => {
  it('writes one line without the query', () => {
    const { log, read } = recording();
    const line = { requestId: 'r1', method: 'GET', status: 200, durationMs: 1.23456, address: '127.0.0.1' };
    logRequest(log, {
      ...line,
      target: `/me?token=${secret}`,
      agent: 'a'.repeat(5000),
      fields: { event: 'login', user: 'u1' },
    });
    logRequest(log, { ...line, target: '/me', status: 503 });
    const [first, second] = read();
    expect(first).toMatchObject({
      msg: 'request',
      level: 'info',
      requestId: 'r1',
      path: '/me',
      durationMs: 1.235,
      event: 'login',
    });
    expect(String(first?.['agent'])).toHaveLength(256);
    expect(second).toMatchObject({ level: 'warn', status: 503 });
    expect(JSON.stringify([first, second])).not.toContain(secret);
  });

  it('writes exactly what pino would, redaction included', () => {
    const { log, lines } = recording({ redact: ['/user'] });
    // A log that is not known to logRequest takes the way through pino.
    const throughPino: Pick<Log, 'info' | 'warn'> = { info: log.info.bind(log), warn: log.warn.bind(log) };
    const base = { requestId: 'r1', method: 'GET', address: '::1', target: '/a' };
    const requests: RequestLine[] = [
      { ...base, traceId: 'ab', status: 200, durationMs: 0.1 },
      { ...base, status: 503, durationMs: Number.NaN, agent: 'q"u\\o\nte\u007f\ud800 \u2028 \u00e9 \u{1f600}' },
      { ...base, target: '/\u0000?token=x', status: 99, durationMs: 1e21, agent: '' },
      {
        ...base,
        status: 404,
        durationMs: 5,
        fields: { user: secret, AUTHORIZATION: secret, event: 'login', ok: false, none: undefined, 'we"ird': 1 },
      },
    ];
    for (const request of requests) {
      logRequest(log, request);
      logRequest(throughPino, request);
    }
    const timeless = lines.map((line) => line.replace(/"time":"[^"]+"/, '"time":""'));
    expect(timeless).toHaveLength(2 * requests.length);
    for (let at = 0; at < timeless.length; at += 2) expect(timeless[at]).toBe(timeless[at + 1]);
    expect(lines.join('')).not.toContain(secret);
  });

  it('keeps to the level, also one set later, and to the bindings of a child', () => {
    const { log, lines, read } = recording();
    const line = { requestId: 'r', method: 'GET', target: '/', status: 200, durationMs: 1, address: '::1' };
    logRequest(log.child({ part: 'p' }), line);
    log.level = 'error';
    logRequest(log, line);
    logRequest(log, { ...line, status: 500 });
    expect(lines).toHaveLength(1);
    expect(read()[0]).toMatchObject({ part: 'p' });
  });
});
