import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openMaintenance } from '@sallyport/auth/maintenance';
import { Client } from 'undici';
import { issuerClient } from './client.ts';
import { type Issuer, type IssuerFolder, issuerFolder, startIssuer } from './issuer-process.ts';
import { areaUnderCurve, percentile, standardError } from './rank.ts';
import { sabotagedIssuer } from './sabotaged-issuer.ts';

export interface TimingResult {
  readonly pairs: number;
  /** Up to two runs: noise of the machine may spoil one. */
  readonly unknownUser: readonly Comparison[];
  /** Wrong password against wrong password: what this machine shows where there is nothing to see. */
  readonly control: Comparison;
  /** Each against the wrong password of an account that lives. */
  readonly others: Readonly<Record<string, Comparison>>;
  /** An issuer that skips the hash for unknown users. */
  readonly sabotaged: Comparison;
  readonly passed: boolean;
}

export interface Comparison {
  readonly pairs: number;
  /** Chance that a wrong password takes longer than the other class; 0.5: cannot be told apart. */
  readonly auc: number;
  readonly standardError: number;
  readonly medianMs: { readonly wrongPassword: number; readonly other: number };
}

export interface TimingOptions {
  readonly pairs: number;
  readonly controlPairs: number;
  readonly otherPairs: number;
  readonly sabotagedPairs: number;
  readonly random: () => number;
}

/** 0.47 to 0.53, or four standard errors where there are too few pairs for that (fewer than 3,000). */
const cannotBeTold = ({ auc, standardError: error }: Comparison): boolean =>
  Math.abs(auc - 0.5) <= Math.max(0.03, 4 * error);

const isProven = ({ unknownUser, control, others, sabotaged }: Omit<TimingResult, 'passed'>): boolean =>
  [control, ...Object.values(others)].every(cannotBeTold) && unknownUser.some(cannotBeTold) && sabotaged.auc > 0.9;

const settings = { PASSWORD_HASH: 'argon2id', REVEAL_DISABLED_ACCOUNTS: 'off' } as const;
const password = 'correct horse battery';
/** As long as the right one. */
const wrong = 'correct horse guesses';
/** In a row, before an account is locked: 10. */
const guessesPerAccount = 9;

/** Whether the time of a refused login tells why it was refused. One request in flight, random order inside each pair. */
export const loginTiming = async (options: TimingOptions): Promise<TimingResult> => {
  const { pairs, controlPairs, otherPairs, sabotagedPairs, random } = options;
  const open = await withDoor({}, async (door) => {
    const people = await door.register(20);
    const wrongPassword = inTurn(people, wrong);
    const compare = (other: NextLogin, count: number) => door.compare(wrongPassword, other, count, random);
    const unknownUser = [await compare(unknown, pairs)];
    if (!unknownUser.every(cannotBeTold)) unknownUser.push(await compare(unknown, pairs));
    const control = await compare(inTurn(await door.register(20), wrong), controlPairs);
    const withoutPassword = await door.withoutPassword(await door.register(5));
    const disabled = await door.disabled(await door.register(5));
    const others = {
      withoutPassword: await compare(inTurn(withoutPassword, wrong), otherPairs),
      disabled: await compare(inTurn(disabled, wrong), otherPairs),
      disabledRightPassword: await compare(inTurn(disabled, password), otherPairs),
    };
    return { unknownUser, control, others };
  });
  const guarded = await withDoor({ LOCKOUT: 'on' }, async (door) => {
    const people = await door.register(Math.ceil((2 * otherPairs + warmUps) / guessesPerAccount) + 1);
    const wrongPassword = inTurn(people, wrong);
    const locked = await door.locked(await door.register(5));
    const compare = (other: NextLogin) => door.compare(wrongPassword, other, otherPairs, random);
    return { locked: await compare(inTurn(locked, wrong)), unknownUserWithLockout: await compare(unknown) };
  });
  const sabotaged = await sabotagedComparison(sabotagedPairs, random);
  const result = { pairs, ...open, others: { ...open.others, ...guarded }, sabotaged };
  return { ...result, passed: isProven(result) };
};

const sabotagedComparison = async (pairs: number, random: () => number): Promise<Comparison> => {
  const broken = sabotagedIssuer({
    file: 'login/login.ts',
    find: 'await password.verify(user, plain)',
    replace: "user === undefined ? 'wrong' : await password.verify(user, plain)",
  });
  try {
    return await withDoor(
      {},
      async (door) => door.compare(inTurn(await door.register(5), wrong), unknown, pairs, random),
      broken.entry,
    );
  } finally {
    broken.remove();
  }
};

interface Login {
  readonly email: string;
  readonly password: string;
}
type NextLogin = () => Login;

/** All addresses are equally long. */
const newEmail = (): string => `${randomBytes(12).toString('hex')}@example.org`;
const unknown: NextLogin = () => ({ email: newEmail(), password: wrong });
const inTurn = (emails: readonly string[], guess: string): NextLogin => {
  let turn = 0;
  return () => {
    turn += 1;
    return { email: emails[turn % emails.length] ?? '', password: guess };
  };
};

/** One issuer and what can be done to its accounts. */
interface Door {
  register(count: number): Promise<string[]>;
  withoutPassword(emails: readonly string[]): Promise<readonly string[]>;
  disabled(emails: readonly string[]): Promise<readonly string[]>;
  locked(emails: readonly string[]): Promise<readonly string[]>;
  compare(wrongPassword: NextLogin, other: NextLogin, pairs: number, random: () => number): Promise<Comparison>;
}

const withDoor = async <T>(given: Readonly<Record<string, string>>, use: (door: Door) => Promise<T>, main?: string) => {
  const folder = issuerFolder({ ...settings, ...given });
  const issuer = await startIssuer(folder, 0, main);
  try {
    return await use(openDoor(folder, issuer));
  } finally {
    await issuer.stop();
    folder.remove();
  }
};

const openDoor = (folder: IssuerFolder, { url }: Issuer): Door => ({
  register: async (count) => {
    const client = issuerClient(url, 4);
    const emails = Array.from({ length: count }, newEmail);
    const answers = await Promise.all(
      emails.map((email) => client.post('/auth/register', { email, password, name: 'Timing' })),
    );
    await client.close();
    if (answers.some(({ status }) => status !== 201)) throw new Error('a registration was refused');
    return emails;
  },
  withoutPassword: async (emails) => {
    const db = new DatabaseSync(join(folder.path, 'sallyport.db'), { timeout: 5000 });
    const clear = db.prepare('UPDATE users SET password_hash = NULL WHERE email = ?');
    for (const email of emails) clear.run(email);
    db.close();
    return emails;
  },
  disabled: async (emails) => {
    const maintenance = await openMaintenance(folder.env);
    for (const email of emails) await maintenance.setDisabled(email, true);
    await maintenance.close();
    return emails;
  },
  locked: async (emails) => {
    const client = issuerClient(url, 4);
    for (let guess = 0; guess <= guessesPerAccount; guess += 1)
      await Promise.all(emails.map((email) => client.post('/auth/login', { email, password: wrong })));
    await client.close();
    return emails;
  },
  compare: (wrongPassword, other, pairs, random) => compare(url, wrongPassword, other, pairs, random),
});

const warmUps = 40;

const compare = async (
  url: string,
  wrongPassword: NextLogin,
  other: NextLogin,
  pairs: number,
  random: () => number,
): Promise<Comparison> => {
  const client = new Client(url.replace('localhost', '127.0.0.1'), { pipelining: 1 });
  const times = { wrongPassword: [] as number[], other: [] as number[] };
  try {
    for (let count = 0; count < warmUps / 2; count += 1) {
      await timeOf(client, wrongPassword());
      await timeOf(client, other());
    }
    for (let pair = 0; pair < pairs; pair += 1) {
      const otherFirst = random() < 0.5;
      if (otherFirst) times.other.push(await timeOf(client, other()));
      times.wrongPassword.push(await timeOf(client, wrongPassword()));
      if (!otherFirst) times.other.push(await timeOf(client, other()));
    }
  } finally {
    await client.close();
  }
  return {
    pairs,
    auc: round(areaUnderCurve(times.other, times.wrongPassword)),
    standardError: round(standardError(pairs, pairs)),
    medianMs: {
      wrongPassword: round(percentile(times.wrongPassword, 0.5)),
      other: round(percentile(times.other, 0.5)),
    },
  };
};

const round = (value: number): number => Math.round(value * 10_000) / 10_000;

const timeOf = async (client: Client, login: Login): Promise<number> => {
  const body = JSON.stringify(login);
  const started = performance.now();
  const answer = await client.request({
    method: 'POST',
    path: '/auth/login',
    body,
    headers: { 'content-type': 'application/json' },
  });
  await answer.body.dump();
  const took = performance.now() - started;
  if (answer.statusCode !== 401) throw new Error(`a login that must fail was answered with ${answer.statusCode}`);
  return took;
};
