/**
 * `npm run bench -- [name …]`: figures beside their peers, in one run on one machine. Prints JSON per bench, then one table that
 * says which figures are reached. Never judges a test run: it exits 0 whatever was reached.
 */
import { benchAudit } from './audit.ts';
import { benchGateway } from './gateway/bench.ts';
import { type BenchResult, type Verdict, verdictTable } from './judge.ts';
import { benchLogin, benchLoginPostgres } from './login.ts';
import { benchRefresh } from './refresh.ts';
import { benchRefreshPostgres } from './refresh-postgres.ts';
import { benchScale, benchScalePostgres } from './scale.ts';
import { benchStart } from './start.ts';
import { benchVerify } from './verify.ts';

const benches: Readonly<Record<string, { readonly about: string; readonly run: () => Promise<BenchResult> }>> = {
  verify: {
    about: 'RS256 access tokens, unseen and seen, against crypto.verify, fast-jwt, jsonwebtoken, jose',
    run: benchVerify,
  },
  refresh: { about: 'refresh over HTTP against the bare statements and bare ES256 signing', run: benchRefresh },
  'refresh-postgres': {
    about: 'the same on PostgreSQL, against pgbench with the same statements',
    run: benchRefreshPostgres,
  },
  login: { about: 'login with bcrypt 12 against the bare hash loop, under side load', run: benchLogin },
  'login-postgres': { about: 'the same on PostgreSQL', run: benchLoginPostgres },
  audit: {
    about: 'refresh and login with audit in each of its modes, beside an issuer without it',
    run: benchAudit,
  },
  start: { about: 'issuer from cold start to the first answered login; memory', run: benchStart },
  gateway: {
    about: 'the full-policy gateway on one core beside nginx, HAProxy, @fastify/http-proxy and Express',
    run: benchGateway,
  },
  scale: { about: 'refresh and login at a thousand and at a million users and sessions', run: benchScale },
  'scale-postgres': { about: 'the same on PostgreSQL', run: benchScalePostgres },
};

const names = process.argv.slice(2);
const unknown = names.filter((name) => !Object.hasOwn(benches, name));
if (unknown.length > 0) {
  const list = Object.entries(benches).map(([name, { about }]) => `  ${name.padEnd(18)}${about}`);
  process.stderr.write(`unknown: ${unknown.join(', ')}\nusage: npm run bench -- [name …]\n${list.join('\n')}\n`);
  process.exitCode = 2;
} else {
  const verdicts: Verdict[] = [];
  for (const [name, { run }] of Object.entries(benches)) {
    if (names.length > 0 && !names.includes(name)) continue;
    const result = await run();
    process.stdout.write(`${JSON.stringify({ [name]: result.figures }, null, 2)}\n`);
    verdicts.push(...result.verdicts);
  }
  process.stdout.write(`\n${verdictTable(verdicts)}\n`);
}
