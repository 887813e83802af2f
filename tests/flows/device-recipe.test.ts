/** docs/guides/device-exchange.md: the recipe for curl and openssl, as it stands there. */
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { issuerFolder, startIssuer } from '../testing/issuer.ts';

const guide = readFileSync(join(import.meta.dirname, '../../docs/guides/device-exchange.md'), 'utf8');

it('logs in with curl and openssl alone', async () => {
  const recipe = /<!-- tested: tests\/flows\/device-recipe.test.ts -->\n+```bash\n([\s\S]*?)```/.exec(guide)?.[1] ?? '';
  const folder = issuerFolder();
  const path = join(folder.path, 'key.pem');
  writeFileSync(
    path,
    generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs1', format: 'pem' }),
  );
  const issuer = await startIssuer(
    { SALLYPORT_PRESET: 'device-chat', JWT_PRIVATE_KEY_PATH: path, JWT_SECRET: '' },
    folder,
  );
  try {
    const env = { PATH: process.env['PATH'] ?? '', BASE: `${issuer.url}/api/auth`, TMPDIR: folder.path };
    const { stdout } = await promisify(execFile)('bash', ['-c', recipe], { env });
    expect(stdout).not.toContain('this is not the issuer');
    expect(stdout).toContain('device registered');
    expect(stdout).toMatch(/"access_token":"[^"]+"/);
  } finally {
    await issuer.remove();
  }
});
