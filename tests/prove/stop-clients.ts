/** Clients of all kinds of a server that is about to stop: who asked what, and what came of it. */
import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Sent {
  readonly id: string;
  readonly kind: string;
  readonly sentMs: number;
  /** `closed`: the connection ended without a byte. `refused`: nobody listened. */
  outcome: 'waits' | 'answered' | 'half' | 'closed' | 'refused';
  /** Of a whole answer. */
  status: number;
  answeredMs: number;
  closes: boolean;
}

/** What one client says, where it is not the same each time. */
export interface Caller {
  readonly headers?: Readonly<Record<string, string>>;
  body?(): object;
  answered?(status: number, text: string): void;
}

export interface Kind {
  readonly name: string;
  readonly path: string;
  readonly clients: number;
  readonly method?: 'POST';
  /** Up to so long between two requests. */
  readonly pauseMs?: number;
  readonly keepAlive?: false;
  /** The body comes in two parts, so far apart. */
  readonly bodyGapMs?: number;
  /** Called once for each client. */
  readonly open?: () => Caller;
}

/** Sent so long before the signal, a request has been read when it comes. */
export const surelyReadMs = 150;

const note = '{"note":"x"}';

export const startStopClients = (
  url: string,
  kinds: readonly Kind[],
  random: () => number,
  headers: Readonly<Record<string, string>> = {},
) => {
  const sent: Sent[] = [];
  const { hostname, port } = new URL(url);
  const agents: Agent[] = [];

  const ask = (kind: Kind, caller: Caller, agent: Agent): Promise<Sent> =>
    new Promise((resolve) => {
      const one: Sent = {
        ...{ id: randomUUID(), kind: kind.name, sentMs: performance.now() },
        ...{ outcome: 'waits', status: 0, answeredMs: 0, closes: false },
      };
      sent.push(one);
      const end = (outcome: Sent['outcome']): void => {
        one.outcome = outcome;
        one.answeredMs = performance.now();
        resolve(one);
      };
      const said = caller.body === undefined ? undefined : JSON.stringify(caller.body());
      const lines = {
        ...headers,
        ...caller.headers,
        ...(said !== undefined && { 'content-type': 'application/json' }),
        ...{ 'x-request-id': one.id, 'x-client-id': one.id },
      };
      const options = { hostname, port, path: kind.path, method: kind.method ?? 'GET', headers: lines, agent };
      const outgoing = request(options, (response) => {
        one.closes = response.headers.connection === 'close';
        one.status = response.statusCode ?? 0;
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        response.on('error', () => end('half'));
        response.on('end', () => {
          if (response.complete) caller.answered?.(one.status, text);
          end(response.complete ? 'answered' : 'half');
        });
      });
      outgoing.on('error', (error: NodeJS.ErrnoException) => end(error.code === 'ECONNREFUSED' ? 'refused' : 'closed'));
      const body = said ?? (kind.method === undefined ? '' : note);
      if (kind.bodyGapMs === undefined) outgoing.end(body);
      else {
        outgoing.write(body.slice(0, 9));
        setTimeout(() => outgoing.end(body.slice(9)), kind.bodyGapMs);
      }
    });

  const run = async (kind: Kind): Promise<void> => {
    const agent = new Agent({ keepAlive: kind.keepAlive ?? true, maxSockets: 1 });
    agents.push(agent);
    const caller = kind.open?.() ?? {};
    while ((await ask(kind, caller, agent)).outcome !== 'refused') await sleep((kind.pauseMs ?? 0) * random());
  };
  const running = kinds.flatMap((kind) => Array.from({ length: kind.clients }, () => run(kind)));
  return {
    sent,
    /** Until nobody listens any more. */
    ended: async () => {
      await Promise.all(running);
      for (const agent of agents) agent.destroy();
    },
  };
};
