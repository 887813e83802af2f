/** Guesses of whoever has no device of an account keep its owner out of nothing: neither at the registration nor with a device of his own. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deviceFolder } from '../testing/device-chat.ts';
import { beginDevice, loginOnDevice, registerDevice, usernameOf } from '../testing/devices.ts';
import { type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { newPerson } from '../testing/people.ts';

const guess = 'correct horse guesses';
const settings = { LOCKOUT: 'on', LOGIN_LIMIT_PER_MINUTE: '10', LOGIN_LIMIT_PER_ADDRESS_PER_MINUTE: '0' };
/** More than lock, and more than a minute's limit. */
const guesses = 11;

let issuer: Issuer;
let call: Call;

beforeAll(async () => {
  issuer = await startIssuer(settings, deviceFolder());
  call = httpClient(issuer.url);
});
afterAll(() => issuer.remove());

const someone = async () => {
  const person = newPerson();
  const credentials = { username: usernameOf(person), password: person.password };
  return { ...credentials, device: await registerDevice(call, credentials) };
};

describe('the owner of a device logs in', () => {
  it('whatever was guessed at the registration of another, where guesses are limited all the same', async () => {
    const ann = await someone();
    const answers: string[] = [];
    for (let turn = 0; turn < guesses; turn += 1) {
      const told = await beginDevice(call, { username: ann.username.toUpperCase(), password: guess }).then(
        () => 'registered',
        (error: unknown) => String(error),
      );
      answers.push(/got (\d+)/.exec(told)?.[1] ?? told);
    }
    expect(answers).toEqual([...Array.from({ length: 10 }, () => '401'), '429']);
    expect((await loginOnDevice(call, ann.device, ann.password)).status).toBe(200);
  });

  it('whatever was guessed, from its own device, at an account whose name would be the same e-mail address', async () => {
    const person = newPerson();
    const credentials = { username: person.email, password: person.password };
    const device = await registerDevice(call, credentials);
    // U+3002 is a full stop to a domain, and a letter like another to a user name.
    const alike = { username: person.email.replace('.org', '\u3002org'), password: newPerson().password };
    const eve = await registerDevice(call, alike);
    for (let turn = 0; turn < guesses; turn += 1) await loginOnDevice(call, eve, guess);
    expect((await loginOnDevice(call, device, credentials.password)).status).toBe(200);
    expect((await loginOnDevice(call, eve, alike.password)).status).toBe(429);
  });

  it('whatever somebody else has sent under the name from a device of his own, who is limited himself', async () => {
    const [ann, eve] = [await someone(), await someone()];
    const under = (username: string, password: string) => loginOnDevice(call, { ...eve.device, username }, password);
    const answers: number[] = [];
    for (let turn = 0; turn < guesses; turn += 1) answers.push((await under(ann.username, ann.password)).status);
    expect(answers).toEqual([...Array.from({ length: 10 }, () => 401), 429]);
    // One limit over all names: the answer does not tell which of them there are.
    expect((await under(usernameOf(newPerson()), guess)).status).toBe(429);
    expect((await loginOnDevice(call, ann.device, ann.password)).status).toBe(200);
  });
});
