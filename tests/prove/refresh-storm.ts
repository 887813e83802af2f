import { type Answer, issuerClient } from './client.ts';
import { issuerFolder, startIssuer } from './issuer-process.ts';

export interface StormResult {
  readonly rounds: number;
  readonly parallel: number;
  readonly requests: number;
  readonly serverErrors: number;
  readonly refused: number;
  /** Rounds whose callers got more than one successor. */
  readonly forkedRounds: number;
  readonly sessionsStillRefreshing: number;
}

/** One token, many callers at once, from two processes on one store: one lineage each, no 5xx, nobody logged out. */
export const refreshStorm = async ({
  rounds,
  parallel,
  settings,
}: {
  readonly rounds: number;
  readonly parallel: number;
  /** Names the store where it is no SQLite file. */
  readonly settings?: Readonly<Record<string, string>>;
}): Promise<StormResult> => {
  const folder = issuerFolder(settings);
  const issuers = [await startIssuer(folder), await startIssuer(folder)];
  const clients = issuers.map(({ url }) => issuerClient(url, parallel));
  const pick = (index: number) => clients[index % clients.length] ?? issuerClient('');
  const counts = { serverErrors: 0, refused: 0, forkedRounds: 0, sessionsStillRefreshing: 0 };
  const note = ({ status }: Answer) => {
    if (status >= 500) counts.serverErrors += 1;
    else if (status !== 200) counts.refused += 1;
  };
  try {
    const successors: string[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const { refresh } = await pick(round).signUp();
      const answers = await Promise.all(Array.from({ length: parallel }, (_, index) => pick(index).refresh(refresh)));
      answers.forEach(note);
      const distinct = new Set(answers.map(({ body }) => body['refresh_token']));
      if (distinct.size !== 1 || distinct.has(refresh)) counts.forkedRounds += 1;
      successors.push(String([...distinct][0]));
    }
    const last = await Promise.all(successors.map((token, index) => pick(index).refresh(token)));
    counts.sessionsStillRefreshing = last.filter(({ status }) => status === 200).length;
    return { rounds, parallel, requests: rounds * parallel + rounds, ...counts };
  } finally {
    await Promise.all(clients.map((client) => client.close()));
    await Promise.all(issuers.map((issuer) => issuer.stop()));
    folder.remove();
  }
};
