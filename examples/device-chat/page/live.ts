/**
 * New messages as they come, over a WebSocket that comes back by itself. It shows nothing, and decides nothing about the login: when the
 * service says that it is over, the token manager asks the issuer, and only the issuer's word counts.
 */
import { ApiError, SignedOutError, type TokenManager } from '@sallyport/client';
import type { Message } from './timeline.ts';

/** `waiting`: the connection was lost, the next try is on its way. */
export type LiveState = 'connecting' | 'open' | 'waiting';

export interface LiveOptions {
  /** For example `http://localhost:8081/api`. */
  readonly chatUrl: string;
  readonly tokens: Pick<TokenManager, 'webSocketProtocols' | 'refresh'>;
  /** Any call to the service: says what a refused handshake does not, since a browser keeps its status to itself. */
  readonly probe: () => Promise<unknown>;
  readonly onMessage: (roomId: string, message: Message) => void;
  readonly onState: (state: LiveState) => void;
}

export interface Live {
  start(): void;
  stop(): void;
  /** Now instead of at the next try. A connection that is open stays, unless it may be dead without having noticed. */
  retry(mayBeDead: boolean): void;
}

/** As the chat service closes: the session has ended; the token has run out. */
const overCodes: readonly number[] = [4401, 4408];
const firstDelayMs = 500;
const longestDelayMs = 15_000;
/** A connection that lived as long was a good one: the next try need not wait. */
const steadyMs = 5_000;

export const createLive = ({ chatUrl, tokens, probe, onMessage, onState }: LiveOptions): Live => {
  const url = `${chatUrl.replace(/^http/, 'ws')}/messages/stream`;
  /** Rises with each connection and each end: what an older one still says is not heard. */
  let turn = 0;
  let isWanted = false;
  let failures = 0;
  let socket: WebSocket | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const drop = (): void => {
    turn += 1;
    clearTimeout(timer);
    timer = undefined;
    socket?.close();
    socket = undefined;
  };

  const later = (atLeastMs = 0): void => {
    onState('waiting');
    // Half of it by chance: a service that comes back is not met by everybody at once.
    const delayMs = Math.min(longestDelayMs, firstDelayMs * 2 ** failures) * (0.5 + Math.random() / 2);
    failures += 1;
    timer = setTimeout(() => void connect(), Math.max(atLeastMs, delayMs));
  };

  const connect = async (): Promise<void> => {
    drop();
    const mine = turn;
    onState('connecting');
    try {
      const protocols = await tokens.webSocketProtocols(url);
      if (mine === turn && protocols !== undefined) open(protocols);
    } catch (error) {
      if (mine === turn) afterRefusal(error);
    }
  };

  const open = (protocols: string[]): void => {
    const mine = turn;
    let openedAtMs: number | undefined;
    const current = new WebSocket(url, protocols);
    socket = current;
    current.addEventListener('open', () => {
      if (mine !== turn) return;
      openedAtMs = performance.now();
      onState('open');
    });
    current.addEventListener('message', ({ data }) => {
      if (mine === turn) hear(data, onMessage);
    });
    current.addEventListener('close', ({ code }) => {
      if (mine !== turn) return;
      socket = undefined;
      if (openedAtMs !== undefined && performance.now() - openedAtMs >= steadyMs) failures = 0;
      void lost(mine, protocols[1] ?? '', code, openedAtMs !== undefined);
    });
  };

  const lost = async (mine: number, token: string, code: number, wasOpen: boolean): Promise<void> => {
    const isOver = overCodes.includes(code);
    if (!isOver && wasOpen) return later();
    onState('waiting');
    try {
      await (isOver ? tokens.refresh(token) : probe());
      if (mine !== turn) return undefined;
      return isOver && failures === 0 ? void connect() : later();
    } catch (error) {
      return mine === turn ? afterRefusal(error) : undefined;
    }
  };

  /** Signed out: the token manager has said so, and there is nothing to come back to. */
  const afterRefusal = (error: unknown): void => {
    if (error instanceof SignedOutError) return;
    later(error instanceof ApiError ? (error.retryAfterSeconds ?? 0) * 1000 : 0);
  };

  return {
    start: () => {
      isWanted = true;
      failures = 0;
      void connect();
    },
    stop: () => {
      isWanted = false;
      drop();
    },
    retry: (mayBeDead) => {
      if (!isWanted) return;
      if (socket?.readyState === WebSocket.OPEN && !mayBeDead) return;
      failures = 0;
      void connect();
    },
  };
};

const hear = (data: unknown, onMessage: LiveOptions['onMessage']): void => {
  if (typeof data !== 'string') return;
  const { type, room_id, message } = JSON.parse(data) as { type?: string; room_id?: string; message?: Message };
  if (type === 'message' && room_id !== undefined && message !== undefined) onMessage(room_id, message);
};
