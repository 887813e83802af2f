/** Who we are at a Vault: a token that somebody else keeps, or one that is got and renewed here. */
import { readFile } from 'node:fs/promises';
import { SignerFailure } from '../signer.ts';
import { isObject, type ServiceAnswer, type ServiceConnection } from './service-request.ts';

export type VaultAuth =
  | { readonly kind: 'token'; readonly token: string }
  /** Read again at every look and whenever it is refused: a sidecar renews it. */
  | { readonly kind: 'token-file'; readonly path: string }
  | { readonly kind: 'approle'; readonly mount: string; readonly roleId: string; readonly secretId: string }
  | { readonly kind: 'kubernetes'; readonly mount: string; readonly role: string; readonly jwtPath: string };

export interface VaultLoginOptions {
  readonly auth: VaultAuth;
  readonly connection: ServiceConnection;
  readonly headers: Readonly<Record<string, string>>;
  /** Elapsed time, of a clock that nobody sets. */
  readonly nowMs: () => number;
}

export interface VaultLogin {
  /** The token to call with. Of many callers at once one logs in. */
  token(signal: AbortSignal): Promise<string>;
  /** It was refused: the next call gets another one. */
  refused(token: string): void;
  /** Gets a fresh one where a third of its life is left: in the background, so that no signature waits for it. */
  renew(signal: AbortSignal): Promise<void>;
}

interface Held {
  readonly token: string;
  readonly renewable: boolean;
  /** Undefined: it has no end, or somebody else sees to it. */
  readonly life?: { readonly gotAtMs: number; readonly lifeMs: number };
}

export const createVaultLogin = (options: VaultLoginOptions): VaultLogin => {
  const { auth, connection, headers, nowMs } = options;
  let held: Held | undefined;
  let underWay: Promise<Held> | undefined;

  const post = async (path: string, body: object, signal: AbortSignal, token?: string): Promise<Held> => {
    const sent = { ...headers, ...(token !== undefined && { 'x-vault-token': token }) };
    const answer = await connection.send({ method: 'POST', path, body, headers: sent, signal });
    return heldOf(answer, nowMs());
  };

  const get = async (signal: AbortSignal): Promise<Held> => {
    switch (auth.kind) {
      case 'token':
        return { token: auth.token, renewable: false };
      case 'token-file':
        return { token: await readText(auth.path), renewable: false };
      case 'approle':
        return post(`/v1/auth/${auth.mount}/login`, { role_id: auth.roleId, secret_id: auth.secretId }, signal);
      case 'kubernetes':
        return post(`/v1/auth/${auth.mount}/login`, { role: auth.role, jwt: await readText(auth.jwtPath) }, signal);
    }
  };

  const login = (signal: AbortSignal): Promise<Held> => {
    underWay ??= get(signal)
      .then((got) => {
        held = got;
        return got;
      })
      .finally(() => {
        underWay = undefined;
      });
    return underWay;
  };

  const leftOf = ({ life }: Held): number => (life === undefined ? 1 : 1 - (nowMs() - life.gotAtMs) / life.lifeMs);

  return {
    token: async (signal) => (held !== undefined && leftOf(held) > 0 ? held : await login(signal)).token,
    refused: (token) => {
      if (held?.token === token) held = undefined;
    },
    renew: async (signal) => {
      if (auth.kind === 'token-file') held = undefined;
      if (held === undefined || leftOf(held) > 1 / 3) return;
      const { token, renewable } = held;
      if (!renewable) return void (await login(signal));
      try {
        const before = held.life;
        held = await post('/v1/auth/token/renew-self', {}, signal, token);
        // Near the end of its longest life a renewal gives less and less.
        if (before !== undefined && held.life !== undefined && held.life.lifeMs < before.lifeMs / 2)
          await login(signal);
      } catch (error) {
        if (error instanceof SignerFailure && error.reason === 'denied') await login(signal);
        else throw error;
      }
    },
  };
};

const heldOf = ({ status, body }: ServiceAnswer, gotAtMs: number): Held => {
  // 400: AppRole and Kubernetes tell a wrong secret so.
  if (status === 400 || status === 403) throw new SignerFailure('denied', `the login was refused (${status})`);
  if (status === 429) throw new SignerFailure('throttled', 'the login was refused for now (429)');
  if (status !== 200) throw new SignerFailure('unavailable', `the login was answered ${status}`);
  const auth = body?.['auth'];
  if (!isObject(auth) || typeof auth['client_token'] !== 'string')
    throw new SignerFailure('malformed', 'the login was answered without a token');
  const seconds = Number(auth['lease_duration'] ?? 0);
  return {
    token: auth['client_token'],
    renewable: auth['renewable'] === true,
    ...(seconds > 0 && { life: { gotAtMs, lifeMs: seconds * 1000 } }),
  };
};

const readText = async (path: string): Promise<string> => {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    throw new SignerFailure('denied', `${path} cannot be read`, error);
  }
};
