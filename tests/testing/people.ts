import { randomBytes } from 'node:crypto';
import type { Answer, Call } from './http-client.ts';

export interface Person {
  readonly email: string;
  readonly password: string;
  readonly name: string;
}

export interface Tokens {
  readonly access: string;
  readonly refresh: string;
  readonly csrf: string;
}

export interface LoggedIn extends Tokens {
  readonly person: Person;
  readonly userId: string;
  readonly answer: Answer;
}

/** Somebody new each time: tests of one server do not meet. */
export const newPerson = (given: Partial<Person> = {}): Person => ({
  email: `${randomBytes(9).toString('hex')}@example.org`,
  password: `correct horse ${randomBytes(6).toString('hex')}`,
  name: 'Ann Example',
  ...given,
});

/** Registers at the issuer's own paths, or below `prefix`. */
export const register = (call: Call, person: Person, prefix = ''): Promise<Answer> =>
  call('POST', `${prefix}/auth/register`, { body: person });

export const login = async (call: Call, person: Person, prefix = ''): Promise<LoggedIn> => {
  const { email, password } = person;
  const answer = expectOk(await call('POST', `${prefix}/auth/login`, { body: { email, password } }), 200);
  const { id } = answer.body['user'] as { readonly id: string };
  return { ...tokensOf(answer), person, userId: id, answer };
};

export const signUp = async (call: Call, person: Person = newPerson(), prefix = ''): Promise<LoggedIn> => {
  expectOk(await register(call, person, prefix), 201);
  return login(call, person, prefix);
};

export const tokensOf = ({ body }: Answer): Tokens => ({
  access: String(body['access_token']),
  refresh: String(body['refresh_token']),
  csrf: String(body['csrf_token']),
});

const expectOk = (answer: Answer, status: number): Answer => {
  if (answer.status !== status) throw new Error(`expected ${status}, got ${answer.status}: ${answer.text}`);
  return answer;
};
