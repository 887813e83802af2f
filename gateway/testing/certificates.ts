import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export interface Certificate {
  readonly certPath: string;
  readonly keyPath: string;
  readonly cert: string;
  readonly key: string;
}

/** An empty folder that ends with the test. */
export const testFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-tls-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

/** A self-signed certificate for one name, `DNS:localhost` or `IP:127.0.0.1`, made by openssl. */
export const makeCertificate = (folder: string, file: string, name: string): Certificate => {
  const [certPath, keyPath] = [join(folder, `${file}.crt`), join(folder, `${file}.key`)];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc', '-days', '2'];
  const names = ['-subj', `/CN=${file}`, '-addext', `subjectAltName=${name}`];
  execFileSync('openssl', ['req', '-x509', ...kind, ...names, '-keyout', keyPath, '-out', certPath], {
    stdio: 'ignore',
  });
  return { certPath, keyPath, cert: readFileSync(certPath, 'utf8'), key: readFileSync(keyPath, 'utf8') };
};
