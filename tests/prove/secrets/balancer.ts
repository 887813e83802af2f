/**
 * Several nodes behind one caller, as a load balancer has them: what a closed port refused goes to another one, and a node that starts
 * gets nothing before it says that it is ready.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChildServer } from '../../testing/child-server.ts';
import { type Answer, type Call, httpClient } from '../../testing/http-client.ts';

export interface Node {
  readonly start: () => Promise<ChildServer>;
  server: ChildServer;
  inService: boolean;
}

export interface Balanced {
  readonly call: Call;
  /** Requests that met a port that was closed, or a connection that was closed before it was used. */
  readonly retried: () => number;
  readonly nodes: readonly Node[];
  /** One node after the other. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const readyWithinMs = 20_000;
const tries = 5;
const mixedMs = 1000;
const notServed = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE']);

const waitUntilReady = async ({ url }: ChildServer): Promise<void> => {
  const until = performance.now() + readyWithinMs;
  for (;;) {
    const answer = await httpClient(url)('GET', '/ready').catch((): Pick<Answer, 'status'> => ({ status: 0 }));
    if (answer.status === 200) return;
    if (performance.now() > until) throw new Error(`${url} was not ready within ${readyWithinMs} ms: ${answer.status}`);
    await sleep(50);
  }
};

export const balanced = async (starts: readonly (() => Promise<ChildServer>)[]): Promise<Balanced> => {
  const nodes: Node[] = [];
  for (const start of starts) nodes.push({ start, server: await start(), inService: true });
  for (const { server } of nodes) await waitUntilReady(server);
  let turn = 0;
  let retried = 0;

  const call: Call = async (method, path, sent) => {
    let closed: Node | undefined;
    for (let tried = 1; ; tried += 1) {
      const serving = nodes.filter((each) => each.inService && each !== closed);
      turn += 1;
      const node = serving[turn % serving.length] ?? closed;
      try {
        if (node === undefined) throw new Error('no node is in service');
        return await httpClient(node.server.url)(method, path, sent);
      } catch (error) {
        if (tried === tries || !notServed.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
        retried += 1;
        closed = node;
        await sleep(20);
      }
    }
  };
  return {
    call,
    nodes,
    retried: () => retried,
    restart: async () => {
      for (const node of nodes) {
        // Nobody tells the balancer: what comes meanwhile meets a closed port, and goes to the other node.
        await node.server.stop();
        node.inService = false;
        node.server = await node.start();
        await waitUntilReady(node.server);
        node.inService = true;
        // Both at work, the one with the new settings and the other with the old ones.
        await sleep(mixedMs);
      }
    },
    stop: async () => {
      await Promise.all(nodes.map(({ server }) => server.stop()));
    },
  };
};
