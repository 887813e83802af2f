import { SignedOutError } from './errors.ts';
import { type Answer, type AnswerReader, readAnswer, refusal } from './read-answer.ts';
import type { TokenManager } from './token-manager.ts';

export interface ApiClientOptions {
  /** For example `https://api.example.org/api/v1`; with its origin, or a path: an empty one would take `//host` for a path. */
  readonly baseUrl: string;
  readonly tokens: TokenManager;
  readonly fetch?: typeof globalThis.fetch;
}

export interface ApiClient {
  /** `path` opens with a slash. Adds the token with its proof (and, to unsafe methods, the CSRF token); on 401 refreshes once and repeats once. Throws SignedOutError, NetworkError, ApiError. */
  request(method: string, path: string, body?: unknown): Promise<Answer['body']>;
  get(path: string): Promise<Answer['body']>;
  post(path: string, body?: unknown): Promise<Answer['body']>;
  put(path: string, body?: unknown): Promise<Answer['body']>;
  delete(path: string): Promise<Answer['body']>;
}

const safeMethods = ['GET', 'HEAD', 'OPTIONS'];

export const createApiClient = (options: ApiClientOptions): ApiClient => {
  const { tokens } = options;
  const baseUrl = options.baseUrl.replace(/\/+$/, '');
  const call: AnswerReader = readAnswer(options.fetch);

  const send = async (method: string, path: string, body: unknown, accessToken: string): Promise<Answer> => {
    const csrf = safeMethods.includes(method) ? undefined : tokens.csrfToken();
    // Whatever it opens with, a slash stands there: `@evil.example` behind a bare origin would be another server, and get the token.
    const url = `${baseUrl}/${path.slice(1)}`;
    return call(url, {
      method,
      headers: {
        ...(await tokens.authorize(accessToken, method, url)),
        ...(csrf !== undefined && { 'x-csrf-token': csrf }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      body: JSON.stringify(body),
      credentials: 'include',
    });
  };

  const request: ApiClient['request'] = async (method, path, body) => {
    const accessToken = await tokens.getAccessToken();
    if (accessToken === undefined) throw new SignedOutError('no_session');
    let answer = await send(method, path, body, accessToken);
    // The token is good: another proof may be as well.
    if (answer.status === 401 && String(answer.body['code']).startsWith('proof_'))
      answer = await send(method, path, body, accessToken);
    if (answer.status === 401) answer = await send(method, path, body, await tokens.refresh(accessToken));
    if (!answer.ok) throw refusal(answer);
    return answer.body;
  };
  return {
    request,
    get: (path) => request('GET', path),
    post: (path, body) => request('POST', path, body),
    put: (path, body) => request('PUT', path, body),
    delete: (path) => request('DELETE', path),
  };
};
