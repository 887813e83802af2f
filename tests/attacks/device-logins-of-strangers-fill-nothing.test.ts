/** Whoever has no device writes no rows without end: refused proofs are counted by address, and beyond the limit leave no record each. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { deviceFolder } from '../testing/device-chat.ts';
import { loginBody, loginOnDevice, registerDevice, usernameOf } from '../testing/devices.ts';
import { type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { newPerson } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';

const settings = { LOCKOUT: 'on', LOGIN_LIMIT_PER_MINUTE: '5', LOGIN_LIMIT_PER_ADDRESS_PER_MINUTE: '8' };
const folder = deviceFolder();
let issuer: Issuer;
let call: Call;

beforeAll(async () => {
  issuer = await startIssuer(settings, folder);
  call = httpClient(issuer.url);
});
afterAll(() => issuer.remove());

it('a login without the key of a device leaves a record as often as an address may guess; its owner beside it logs in', async () => {
  const person = newPerson();
  const ann = { username: usernameOf(person), password: person.password };
  const device = await registerDevice(call, ann);
  const forged = (turn: number) => ({
    ...loginBody(device, ann.password, { session_id: '0'.repeat(64) }),
    // A time of long ago is no way around it.
    ...(turn % 2 === 0 && { timestamp: '1000' }),
  });
  const answers = [];
  for (let turn = 0; turn < 12; turn += 1) answers.push(await call('POST', '/api/auth/login', { body: forged(turn) }));
  expect(answers.map(({ status }) => status)).toEqual([...Array(8).fill(401), ...Array(4).fill(429)]);
  for (const answer of answers.slice(8)) expectProblem(answer, 'rate_limited');
  expect((await loginOnDevice(call, device, ann.password)).status).toBe(200);
  const records = () => folder.database.query(`SELECT 1 FROM audit WHERE event_type IN ('login', 'login_failed')`);
  await expect.poll(async () => (await records()).length, { timeout: 20_000 }).toBe(9);
});
