import { createDevices, memoryDeviceStore } from '@sallyport/client';
import { APIClient } from './api-client.ts';
import { TokenManager, type TokenManagerOptions } from './token-manager.ts';

export interface ChatPageOptions extends Omit<TokenManagerOptions, 'authUrl'> {
  /** Default `http://localhost:8080/api`. */
  readonly issuerURL?: string;
  /** Default `http://localhost:8081/api`. */
  readonly chatURL?: string;
}

export interface ChatMessage {
  readonly id: string;
  readonly user_id: string;
  readonly message: string;
  readonly created_at: string;
}

export interface ChatPage {
  readonly tokens: TokenManager;
  readonly issuer: APIClient;
  readonly chat: APIClient;
  /** `deviceKey`: the 32 bytes, or an HMAC-SHA-256 key that no script can read. Keeps the tokens; returns the answer. Throws its `error`, else `Login failed`. */
  login(
    username: string,
    password: string,
    deviceID: string,
    deviceKey: CryptoKey | Uint8Array<ArrayBuffer>,
  ): Promise<Body>;
  /** Throws the answer's `error`, else `Failed to send message`. */
  sendMessage(roomID: string, message: string): Promise<Body>;
  /** Newest last. Throws the answer's `error`, else `Failed to get messages`. */
  getMessages(roomID: string): Promise<readonly ChatMessage[]>;
}

type Body = Readonly<Record<string, unknown>>;

/** What a page of the chat needs, by the names of contracts/device-chat.md. */
export const openChatPage = (options: ChatPageOptions = {}): ChatPage => {
  const { issuerURL = 'http://localhost:8080/api', chatURL = 'http://localhost:8081/api', ...rest } = options;
  const fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
  const authUrl = `${issuerURL}/auth`;
  const tokens = new TokenManager({ ...rest, authUrl });
  const chat = new APIClient(chatURL, tokens, fetch);

  return {
    tokens,
    issuer: new APIClient(issuerURL, tokens, fetch),
    chat,
    login: async (username, password, deviceID, deviceKey) => {
      const store = memoryDeviceStore();
      const key = deviceKey instanceof CryptoKey ? deviceKey : await importKey(deviceKey);
      await store.write({ username, deviceId: deviceID, key });
      const proof = await createDevices({ authUrl, store, ...(options.now && { now: options.now }) }).loginBody({
        username,
        password,
      });
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`${authUrl}/login`, { method: 'POST', headers, body: JSON.stringify(proof) });
      const body = await bodyOf(answer, 'Login failed');
      tokens.saveTokens(String(body['access_token']), String(body['refresh_token']), Number(body['expires_in']));
      return body;
    },
    sendMessage: async (roomID, message) =>
      bodyOf(await chat.post('/messages/send', { room_id: roomID, message }), 'Failed to send message'),
    getMessages: async (roomID) => {
      const answer = await chat.get(`/messages/${encodeURIComponent(roomID)}`);
      const { messages } = await bodyOf(answer, 'Failed to get messages');
      return messages as readonly ChatMessage[];
    },
  };
};

const importKey = (bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> =>
  crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);

/** @throws Error the answer's `error`, else `otherwise` */
const bodyOf = async (answer: Response, otherwise: string): Promise<Body> => {
  const body = (await answer.json().catch(() => ({}))) as Body | null;
  if (answer.ok) return body ?? {};
  const { error } = Object(body) as Body;
  throw new Error(typeof error === 'string' ? error : otherwise);
};
