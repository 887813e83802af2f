import { randomBytes } from 'node:crypto';
import { Pool } from 'undici';

export interface Tokens {
  readonly access: string;
  readonly refresh: string;
}

export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A client of one issuer with keep-alive connections of its own. */
export interface IssuerClient {
  post(path: string, body: object, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  signUp(): Promise<Tokens>;
  refresh(token: string, attemptId?: string): Promise<Answer>;
  close(): Promise<void>;
}

export const newAttemptId = (): string => randomBytes(24).toString('base64url');

export const issuerClient = (url: string, connections = 32): IssuerClient => {
  // `localhost` may be either loopback; one address keeps connections comparable.
  const pool = new Pool(url.replace('localhost', '127.0.0.1'), { connections, pipelining: 1 });
  const post: IssuerClient['post'] = async (path, body, headers = {}) => {
    const response = await pool.request({
      method: 'POST',
      path,
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...headers },
    });
    return { status: response.statusCode, body: (await response.body.json()) as Answer['body'] };
  };
  return {
    post,
    signUp: async () => {
      const email = `${newAttemptId()}@example.org`;
      const account = { email, password: 'correct horse battery', name: 'Prove' };
      await expectStatus(post('/auth/register', account), 201);
      const { body } = await expectStatus(post('/auth/login', { email, password: account.password }), 200);
      return { access: String(body['access_token']), refresh: String(body['refresh_token']) };
    },
    refresh: (token, attemptId) =>
      post('/auth/refresh', { refresh_token: token }, attemptId === undefined ? {} : { 'idempotency-key': attemptId }),
    close: () => pool.destroy(),
  };
};

const expectStatus = async (answering: Promise<Answer>, status: number): Promise<Answer> => {
  const answer = await answering;
  if (answer.status !== status)
    throw new Error(`expected ${status}, got ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer;
};
