/**
 * `npm run bench -- <name> …`: figures beside their peers, in one run on one machine. Prints JSON; never judges a test run.
 */
import { benchLogin } from './login.ts';
import { benchRefresh } from './refresh.ts';
import { benchStart } from './start.ts';
import { benchVerify } from './verify.ts';

const benches: Readonly<Record<string, { readonly about: string; readonly run: () => Promise<object> }>> = {
  verify: {
    about: 'RS256 access tokens, unseen and seen, against crypto.verify, fast-jwt, jsonwebtoken, jose',
    run: benchVerify,
  },
  refresh: { about: 'refresh over HTTP against the bare statements and bare ES256 signing', run: benchRefresh },
  login: { about: 'login with bcrypt 12 against the bare hash loop, under side load', run: benchLogin },
  start: { about: 'issuer from cold start to the first answered login; memory', run: benchStart },
};

const names = process.argv.slice(2);
const unknown = names.filter((name) => !Object.hasOwn(benches, name));
if (unknown.length > 0) {
  const list = Object.entries(benches).map(([name, { about }]) => `  ${name.padEnd(10)}${about}`);
  process.stderr.write(`unknown: ${unknown.join(', ')}\nusage: npm run bench -- [name …]\n${list.join('\n')}\n`);
  process.exitCode = 2;
} else {
  for (const [name, { run }] of Object.entries(benches)) {
    if (names.length === 0 || names.includes(name))
      process.stdout.write(`${JSON.stringify({ [name]: await run() }, null, 2)}\n`);
  }
}
