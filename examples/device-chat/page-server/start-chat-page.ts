import { type Environment, urlOf } from '@sallyport/example-kit/environment';
import { readPageListeners, startPage } from '@sallyport/example-kit/page-server';
import type { RunningServer } from '@sallyport/example-kit/run';

const pageFolder = new URL('../page/', import.meta.url);

/** @throws SettingsError */
export const startChatPage = async (env: Environment): Promise<RunningServer> => {
  const listeners = readPageListeners(env);
  const at = (name: string, port: number): string =>
    urlOf(env, name, `http://localhost:${port + listeners.portOffset}`);
  const [issuer, chat] = [at('USER_SERVICE_URL', 8080), at('CHAT_SERVICE_URL', 8081)];
  const chatOrigin = new URL(chat).origin;
  return startPage({
    name: 'chat-page',
    listeners,
    folder: pageFolder,
    values: { 'auth-url': `${issuer}${env['AUTH_BASE_PATH'] ?? '/api/auth'}`, 'chat-url': `${chat}/api` },
    // A WebSocket is an origin of its own to the policy: `http:` does not stand for `ws:` in every browser.
    connectTo: [new URL(issuer).origin, chatOrigin, chatOrigin.replace(/^http/, 'ws')],
  });
};
