/** One trial: somebody with two generations of refresh tokens, acts at once on two issuers, and the question what still works. */

import { decodeToken } from '../../testing/forge.ts';
import type { Answer } from '../../testing/http-client.ts';
import { login, newPerson, type Person, register, type Tokens, tokensOf } from '../../testing/people.ts';
import type { Lane } from './lane.ts';
import type { TwoIssuers } from './two-issuers.ts';

export const endings = ['logout', 'logout-all', 'disable', 'change-password'] as const;
export const acts = ['rotate', 'replay', ...endings] as const;
export type Act = (typeof acts)[number];

export interface Trial {
  readonly acts: readonly Act[];
  readonly schedule: readonly string[];
  /** Those that were answered 200. */
  readonly done: readonly Act[];
  readonly accessTokens: readonly string[];
  readonly refreshTokens: number;
  /** What should not have been so, said for a reader. */
  readonly violations: readonly string[];
  /** Undefined: the password is not known any more. */
  readonly person: Person | undefined;
}

interface Held {
  readonly person: Person;
  readonly userId: string;
  readonly older: Tokens;
  readonly current: Tokens;
  /** Another session of the same person. */
  readonly other: Tokens | undefined;
}

interface Done {
  readonly act: Act;
  readonly ok: boolean;
  readonly answer?: Answer;
  readonly newPassword?: string;
}

type Random = () => number;

const refresh = (issuers: TwoIssuers, node: 0 | 1, token: string): Promise<Answer> =>
  issuers.call[node]('POST', '/auth/refresh', { body: { refresh_token: token } });

const settle = async (issuers: TwoIssuers, person: Person, random: Random): Promise<Held> => {
  const [call] = issuers.call;
  const { userId, ...older } = await login(call, person);
  const current = tokensOf(await refresh(issuers, 1, older.refresh));
  const other = random() < 0.3 ? await login(call, person) : undefined;
  return { person, userId, older, current, other };
};

const signUp = async (issuers: TwoIssuers): Promise<Person> => {
  const person = newPerson();
  const { status } = await register(issuers.call[0], person);
  if (status !== 201) throw new Error(`a registration was answered ${status}`);
  return person;
};

const prepare = (act: Act, held: Held, issuers: TwoIssuers, lane: Lane, random: Random): (() => Promise<Done>) => {
  const node = random() < 0.5 ? 0 : 1;
  const call = issuers.call[node];
  const { person, older, current, other } = held;
  const bearer = current.access;
  const answered = async (answering: Promise<Answer>, newPassword?: string): Promise<Done> => {
    const answer = await answering;
    if (answer.status >= 500) throw new Error(`${act} was answered ${answer.status} ${answer.text}`);
    return { act, ok: answer.status === 200, answer, ...(newPassword !== undefined && { newPassword }) };
  };
  // Logout ends one session: only of that one may nothing be left.
  const rotated = other !== undefined && random() < 0.5 ? other : current;
  const newPassword = `correct horse ${Math.floor(random() * 2 ** 40).toString(36)}`;
  switch (act) {
    case 'rotate':
      return () => answered(refresh(issuers, node, rotated.refresh));
    case 'replay':
      return () => answered(refresh(issuers, node, older.refresh));
    case 'logout':
      return () => answered(call('POST', '/auth/logout', { body: { refresh_token: current.refresh } }));
    case 'logout-all':
      return () => answered(call('POST', '/auth/logout-all', { bearer }));
    case 'change-password': {
      const body = { current_password: person.password, new_password: newPassword };
      return () => answered(call('POST', '/auth/password', { bearer, body }), newPassword);
    }
    case 'disable':
      return async () => {
        // It goes past both issuers, as one verb.
        await lane.turn('host.setUserDisabled');
        await issuers.setDisabled(person.email, true);
        return { act, ok: true };
      };
  }
};

export const runTrial = async (
  chosen: readonly Act[],
  issuers: TwoIssuers,
  lane: Lane,
  random: Random,
  known: Person | undefined,
): Promise<Trial> => {
  const held = await settle(issuers, known ?? (await signUp(issuers)), random);
  const ids = [held.userId, ...[held.current, held.other].flatMap((tokens) => (tokens ? [sidOf(tokens.access)] : []))];
  const prepared = chosen.map((act) => prepare(act, held, issuers, lane, random));
  for (const id of ids) issuers.lanes.set(id, lane);
  const { results, schedule } = await lane.run(prepared);
  for (const id of ids) issuers.lanes.delete(id);
  const done = results.filter(({ ok }) => ok);
  const judged = await judge(held, results, issuers);
  if (done.some(({ act }) => act === 'disable')) await issuers.setDisabled(held.person.email, false);
  const { person } = held;
  return { acts: chosen, schedule, done: done.map(({ act }) => act), ...judged, person: nowOf(person, results) };
};

const sidOf = (access: string): string => String(decodeToken(access).claims['sid']);

/** Whether the password was changed is known only from a 200. */
const nowOf = (person: Person, results: readonly Done[]): Person | undefined => {
  const changes = results.filter(({ act }) => act === 'change-password');
  const changed = changes.find(({ ok }) => ok)?.newPassword;
  if (changed !== undefined) return { ...person, password: changed };
  return changes.length === 0 ? person : undefined;
};

/** refresh.md: after a 200 to logout, logout-all, disable or password change no refresh token works, and no access token at the issuer. */
const judge = async (
  held: Held,
  results: readonly Done[],
  issuers: TwoIssuers,
): Promise<Pick<Trial, 'accessTokens' | 'refreshTokens' | 'violations'>> => {
  const done = results.filter(({ ok }) => ok);
  const isReused = results.some(({ answer }) => answer?.body['code'] === 'refresh_reused');
  const has = (act: Act): boolean => done.some((each) => each.act === act);
  const endsAll = has('logout-all') || has('disable') || has('change-password');
  if (!endsAll && !has('logout')) return { accessTokens: [], refreshTokens: 0, violations: [] };
  const handedOut = done.flatMap(({ act, answer }) =>
    answer !== undefined && (act === 'rotate' || act === 'replay') ? [tokensOf(answer)] : [],
  );
  const session = sidOf(held.current.access);
  // Newest first: an old one would end the session by itself, and hide what the others can.
  const dead = [...handedOut.toReversed(), held.current, held.older, ...(held.other ? [held.other] : [])].filter(
    ({ access }) => endsAll || sidOf(access) === session,
  );
  const violations: string[] = [];
  // The caller of a password change goes on with what he was given, unless the account was ended besides, or an old token was judged
  // to be reuse before the change and that verdict was carried out after it. A logout with a token of before the change means a
  // session that this token does not open any more.
  const change = done.find(({ act }) => act === 'change-password')?.answer;
  const fresh = change && tokensOf(change);
  const goesOn = fresh && !has('logout') && !has('logout-all') && !has('disable') && !isReused;
  if (fresh && (has('logout-all') || has('disable'))) dead.unshift(fresh);
  if (goesOn && !(await works(issuers, fresh.access)))
    violations.push('the access token of the password change does not work');

  for (const [place, { access }] of dead.entries())
    if (await works(issuers, access)) violations.push(`access token ${place} of ${dead.length} works at an issuer`);
  for (const [place, tokens] of dead.entries())
    for (const node of [0, 1] as const)
      if ((await refresh(issuers, node, tokens.refresh)).status === 200)
        violations.push(`refresh token ${place} of ${dead.length} works at issuer ${node}`);
  if (goesOn && (await refresh(issuers, 0, fresh.refresh)).status !== 200)
    violations.push('the refresh token of the password change does not work');
  return { accessTokens: dead.map(({ access }) => access), refreshTokens: dead.length, violations };
};

const works = async ({ call }: TwoIssuers, bearer: string): Promise<boolean> => {
  const answers = [await call[0]('GET', '/auth/me', { bearer }), await call[1]('GET', '/auth/me', { bearer })];
  return answers.some(({ status }) => status !== 401);
};
