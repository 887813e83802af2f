/** Clients that ask without a pause, each on a connection that it keeps, until they are told to stop. */
import { Agent, request } from 'node:http';

export interface Answered {
  readonly method: string;
  /** 0: no answer, or half of one. */
  readonly status: number;
  readonly atMs: number;
  readonly error: string | undefined;
}

export interface Load {
  readonly answers: readonly Answered[];
  stop(): Promise<readonly Answered[]>;
}

export interface Asked {
  readonly method?: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const body = JSON.stringify({ note: 'x'.repeat(200) });

export const startLoad = (url: string, clients: readonly Asked[]): Load => {
  const agent = new Agent({ keepAlive: true });
  const { hostname, port } = new URL(url);
  const answers: Answered[] = [];
  let isRunning = true;

  const ask = ({ method = 'GET', path, headers = {} }: Asked): Promise<void> =>
    new Promise((resolve) => {
      const tell = (status: number, error?: string): void => {
        answers.push({ method, status, atMs: performance.now(), error });
        resolve();
      };
      const outgoing = request({ hostname, port, method, path, headers, agent }, (response) => {
        response.resume();
        response.on('error', (error) => tell(0, error.message));
        response.on('end', () => tell(response.complete ? (response.statusCode ?? 0) : 0, 'half an answer'));
      });
      outgoing.on('error', (error) => tell(0, error.message));
      outgoing.end(method === 'POST' ? body : undefined);
    });

  const run = async (asked: Asked): Promise<void> => {
    while (isRunning) await ask(asked);
  };
  const running = clients.map(run);
  return {
    answers,
    stop: async () => {
      isRunning = false;
      await Promise.all(running);
      agent.destroy();
      return answers;
    },
  };
};

/** How many answers had which status, for the result. */
export const countByStatus = (answers: readonly Answered[]): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
};

/** What went wrong other than by a status, without repeats. */
export const errorsOf = (answers: readonly Answered[]): readonly string[] => [
  ...new Set(answers.flatMap(({ status, error }) => (status === 0 && error !== undefined ? [error] : []))),
];
