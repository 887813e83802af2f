/**
 * Looks through every file that git has or would add for what must never be published: private keys, tokens of known
 * services, values for Sallyport's own secrets. `node tools/secrets.ts [root]` names file, line and kind, never the secret.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { dirname, join, matchesGlob, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

export interface FoundSecret {
  readonly file: string;
  readonly line: number;
  readonly kind: string;
}

const maxFileBytes = 5_000_000;

const kinds: readonly { readonly kind: string; readonly pattern: RegExp }[] = [
  // With a body: code that only names the header of a PEM file is no key.
  { kind: 'private key (PEM)', pattern: /-----BEGIN [A-Z ]*PRIVATE KEY-----(?:\s|\\n)+(?:[A-Za-z0-9+/=]|\\n){40}/g },
  { kind: 'private key (JWK)', pattern: /\{[^{}]*["']?\bkty\b[^{}]*\bd["']?\s*:\s*["'][A-Za-z0-9_-]{40,}["']/g },
  { kind: 'token of AWS', pattern: /\bAKIA[0-9A-Z]{16}\b/g },
  { kind: 'token of GitHub', pattern: /\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60,})\b/g },
  { kind: 'token of npm', pattern: /\bnpm_[A-Za-z0-9]{36}\b/g },
  { kind: 'token of Slack', pattern: /\bxox[abprs]-[A-Za-z0-9-]{20,}\b/g },
  { kind: 'token of Stripe', pattern: /\b[rs]k_live_[A-Za-z0-9]{20,}\b/g },
  {
    kind: 'value of a secret setting',
    pattern:
      /\b(?:SALLYPORT_ROOT_KEYS|CSRF_KEYS|GATEWAY_MASTER_KEYS|GATEWAY_ASSERTION_KEYS|GATEWAY_SECRET|JWT_SECRET(?:_PREVIOUS)?|REFRESH_SECRET(?:_PREVIOUS)?|DB_PASSWORD|REDIS_PASSWORD)["']?\s*[:=]\s*["']?[\w:+/-]{24,}/g,
  },
];

/** Published examples of specifications (their keys are in every copy of the RFC) and tests with values of their own. */
const exempt: readonly { readonly kind: string; readonly files: readonly string[] }[] = [
  { kind: 'private key (PEM)', files: ['**/vectors/**'] },
  { kind: 'private key (JWK)', files: ['**/vectors/**'] },
  { kind: 'value of a secret setting', files: ['**/*.test.ts', 'tests/**', '**/testing/**'] },
];

/** Every secret below `root`, in files that are tracked or neither tracked nor ignored. */
export function findSecrets(root: string): FoundSecret[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root });
  const files = listed
    .toString('utf8')
    .split('\0')
    .filter((file) => file !== '');
  return files.flatMap((file) => [...environmentFile(file), ...secretsIn(root, file)]);
}

function environmentFile(file: string): FoundSecret[] {
  const isOne = /(^|\/)\.env(\.|$)/.test(file) && !file.endsWith('.example');
  return isOne ? [{ file, line: 1, kind: 'environment file' }] : [];
}

function secretsIn(root: string, file: string): FoundSecret[] {
  const path = join(root, file);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isFile() || stat.size > maxFileBytes) return [];
  const text = readFileSync(path, 'latin1');
  return kinds
    .filter(({ kind }) => !exempt.some((one) => one.kind === kind && one.files.some((glob) => matchesGlob(file, glob))))
    .flatMap(({ kind, pattern }) =>
      [...text.matchAll(pattern)].map(({ index }) => ({ file, line: text.slice(0, index).split('\n').length, kind })),
    );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const found = findSecrets(resolve(process.argv[2] ?? dirname(import.meta.dirname)));
  for (const { file, line, kind } of found) console.log(`${file}:${line} ${kind}`);
  if (found.length > 0) process.exitCode = 1;
}
