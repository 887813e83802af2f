/**
 * What is revoked while a gateway is down, one of it in a transaction that takes its time: after the restart all of it is refused, and
 * before the first snapshot nothing protected passes, whatever the token.
 */
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeToken } from '../testing/forge.ts';
import { type Call, httpClient } from '../testing/http-client.ts';
import { startIssuer } from '../testing/issuer.ts';
import { newInstallation, startGateway } from '../testing/microservices.ts';
import { type LoggedIn, signUp } from '../testing/people.ts';
import { startRecordingUpstream } from '../testing/recording-upstream.ts';

export interface MissedRevocations {
  readonly revocations: number;
  /** Requests before the snapshot, all of which have to be 503 `revocation_unavailable`. */
  readonly askedBeforeSnapshot: number;
  readonly otherwiseAnswered: number;
  /** Requests with revoked tokens that were let in, at any time after the restart. */
  readonly letIn: number;
  readonly refusedAfterRestart: number;
  /** From the slow transaction's commit to its refusal. */
  readonly slowRefusedMs: number;
  /** Somebody whose session lives is let in. */
  readonly othersLetIn: boolean;
  readonly passed: boolean;
}

const boundMs = 1000;
const giveUpMs = 10_000;
const parallel = 8;

/** A way to the feed that can be shut. */
const startGate = async (target: string) => {
  const { hostname, port } = new URL(target);
  const open = new Set<Socket>();
  let isOpen = false;
  const server = createServer((socket) => {
    if (!isOpen) return void socket.destroy();
    const onward = connect({ host: hostname, port: Number(port) });
    for (const end of [socket, onward]) {
      open.add(end);
      end.on('error', () => end.destroy());
      end.on('close', () => {
        open.delete(end);
        (end === socket ? onward : socket).destroy();
      });
    }
    socket.pipe(onward).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    set: (next: boolean): void => {
      isOpen = next;
      if (!next) for (const socket of open) socket.destroy();
    },
    close: () => void server.close(),
  };
};

const inTurns = async <Item>(items: readonly Item[], each: (item: Item) => Promise<void>): Promise<void> => {
  const left = items[Symbol.iterator]();
  const work = async (): Promise<void> => {
    for (const item of left) await each(item);
  };
  await Promise.all(Array.from({ length: parallel }, work));
};

const until = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
  const giveUpAtMs = performance.now() + giveUpMs;
  while (!(await holds())) {
    if (performance.now() > giveUpAtMs) throw new Error(`not within ${giveUpMs} ms: ${what}`);
    await sleep(2);
  }
};

const codeOf =
  (through: Call) =>
  async ({ access: bearer }: LoggedIn): Promise<string> => {
    const { status, body } = await through('GET', '/api/v1/users/me', { bearer });
    return status === 200 ? 'let in' : String(body['code']);
  };

export const missedRevocations = async ({
  revocations,
}: {
  readonly revocations: number;
}): Promise<MissedRevocations> => {
  const installation = newInstallation();
  const upstream = await startRecordingUpstream();
  const issuer = await startIssuer({}, installation.folder);
  const gate = await startGate(issuer.privateUrl);
  const settings = { AUTH_SERVICE_URL: issuer.url, REVOCATION_FEED_URL: gate.url, USER_SERVICE_URL: upstream.url };
  const direct = httpClient(issuer.url);
  const people: LoggedIn[] = [];
  await inTurns(Array.from({ length: revocations + 1 }), async () => void people.push(await signUp(direct)));
  const [kept, slow, ...ended] = people;
  if (kept === undefined || slow === undefined) throw new Error('at least one revocation is needed');
  const counts = { askedBeforeSnapshot: 0, otherwiseAnswered: 0, letIn: 0, refusedAfterRestart: 0 };

  gate.set(true);
  let gateway = await startGateway(installation, settings);
  try {
    await until('everybody is let in at first', async () => (await codeOf(httpClient(gateway.url))(kept)) === 'let in');
    const before = codeOf(httpClient(gateway.url));
    await inTurns(people, async (who) => {
      if ((await before(who)) !== 'let in') throw new Error('a live session was refused');
    });
    await gateway.stop();
    gate.set(false);

    await inTurns(ended, async ({ refresh }) => {
      const { status } = await direct('POST', '/auth/logout', { body: { refresh_token: refresh } });
      if (status !== 200) throw new Error(`a logout was answered ${status}`);
    });
    const commitSlow = await installation.folder.database.endSlowly(String(decodeToken(slow.access).claims['sid']));

    gateway = await startGateway(installation, settings);
    const through = httpClient(gateway.url);
    const now = codeOf(through);
    await inTurns(people, async (who) => {
      counts.askedBeforeSnapshot += 1;
      if ((await now(who)) !== 'revocation_unavailable') counts.otherwiseAnswered += 1;
    });
    gate.set(true);
    // All the while, and from the first moment that anybody is let in.
    const ask = async (who: LoggedIn): Promise<string> => {
      const code = await now(who);
      if (code === 'let in') counts.letIn += 1;
      return code;
    };
    await until('the snapshot is in', async () => {
      await inTurns(ended.slice(0, parallel), async (who) => void (await ask(who)));
      return (await through('GET', '/ready')).status === 200;
    });
    await inTurns(ended, async (who) => {
      if ((await ask(who)) === 'token_revoked') counts.refusedAfterRestart += 1;
    });
    const othersLetIn = (await now(kept)) === 'let in';

    // Until it is committed it has not happened: nobody was told that it has.
    await commitSlow();
    const committedMs = performance.now();
    await until('the slow one is refused', async () => (await now(slow)) === 'token_revoked');
    const slowRefusedMs = Math.round(performance.now() - committedMs);
    counts.refusedAfterRestart += 1;
    const passed =
      counts.otherwiseAnswered === 0 &&
      counts.letIn === 0 &&
      counts.refusedAfterRestart === revocations &&
      slowRefusedMs <= boundMs &&
      othersLetIn;
    return { revocations, ...counts, slowRefusedMs, othersLetIn, passed };
  } finally {
    await gateway.stop();
    gate.close();
    await issuer.remove();
    upstream.close();
  }
};
