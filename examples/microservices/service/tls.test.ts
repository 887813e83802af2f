import { readFileSync, writeFileSync } from 'node:fs';
import { makeAuthority } from '@sallyport/kit/testing/authority';
import { createTlsFetch } from '@sallyport/verify';
import { expect, it, onTestFinished } from 'vitest';
import { environment, newFolder, removeFolders } from '../testing/rig.ts';
import { userService } from '../user/service.ts';
import { startService } from './run-service.ts';

it('speaks TLS on both listeners, lets in who shows a certificate of the right authority, and takes renewed files', async () => {
  const folder = newFolder();
  onTestFinished(removeFolders);
  const inside = makeAuthority(folder, 'inside');
  const { certPath, keyPath } = inside.issue('service');
  const service = await startService(userService, {
    ...environment('user-service'),
    TLS_CERT_PATH: certPath,
    TLS_KEY_PATH: keyPath,
    TLS_CLIENT_CA_PATH: inside.caPath,
  });
  onTestFinished(() => service.stop());
  const known = createTlsFetch({ caPath: inside.caPath, certPath, keyPath });
  const unknown = createTlsFetch({ caPath: inside.caPath });
  for (const url of Object.values(service.urls)) {
    expect(url).toMatch(/^https:/);
    expect((await known(`${url}/health`)).status).toBe(200);
    await expect(unknown(`${url}/health`)).rejects.toThrow();
  }
  const others = makeAuthority(folder, 'others');
  const theirs = others.issue('theirs');
  writeFileSync(certPath, readFileSync(theirs.certPath));
  writeFileSync(keyPath, readFileSync(theirs.keyPath));
  writeFileSync(inside.caPath, readFileSync(others.caPath));
  const answers = async () => (await known(`${service.urls.public}/health`).catch(() => undefined))?.status;
  await expect.poll(answers, { timeout: 15_000, interval: 100 }).toBe(200);
});

it.each([
  [{ TLS_CERT_PATH: 'missing.crt' }, 'TLS_KEY_PATH is required'],
  [{ TLS_KEY_PATH: 'missing.key' }, 'TLS_CERT_PATH is required'],
  [{ TLS_CERT_PATH: 'missing.crt', TLS_KEY_PATH: 'missing.key' }, 'cannot be read'],
  [{ AUTH_SERVICE_URL: 'https://localhost:1', OUTBOUND_CERT_PATH: 'a.crt' }, 'OUTBOUND_KEY_PATH belong together'],
])('a start with %j is refused', async (env, problem) => {
  onTestFinished(removeFolders);
  await expect(startService(userService, { ...environment('user-service'), ...env })).rejects.toThrow(problem);
});
