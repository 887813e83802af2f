import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

export interface IssuedFiles {
  readonly certPath: string;
  readonly keyPath: string;
}

export interface IssueOptions {
  /** Default `DNS:localhost,IP:127.0.0.1`. */
  readonly names?: string;
  /** Default 2; -1: it has expired yesterday. */
  readonly days?: number;
  /** `serverAuth`, `clientAuth`; default both. */
  readonly usage?: string;
}

export interface Authority {
  readonly caPath: string;
  /** A certificate of this authority, in files of that name. */
  issue(file: string, options?: IssueOptions): IssuedFiles;
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc'];

const openssl = (args: readonly string[]): void => void execFileSync('openssl', args, { stdio: 'ignore' });

/** A real certificate authority, made by openssl in `folder`. */
export const makeAuthority = (folder: string, name: string): Authority => {
  const [caPath, caKey] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
  openssl(['req', '-x509', ...newKey, '-days', '2', '-subj', `/CN=${name}`, '-keyout', caKey, '-out', caPath]);
  return {
    caPath,
    issue: (file, { names = 'DNS:localhost,IP:127.0.0.1', days = 2, usage = 'serverAuth,clientAuth' } = {}) => {
      const [certPath, keyPath, asked] = [`${file}.crt`, `${file}.key`, `${file}.csr`].map((each) =>
        join(folder, each),
      );
      if (certPath === undefined || keyPath === undefined || asked === undefined) throw new Error('three names');
      const extensions = ['-addext', `subjectAltName=${names}`, '-addext', `extendedKeyUsage=${usage}`];
      openssl(['req', ...newKey, '-subj', `/CN=${file}`, ...extensions, '-keyout', keyPath, '-out', asked]);
      const by = ['-CA', caPath, '-CAkey', caKey, '-days', String(days), '-copy_extensions', 'copy'];
      openssl(['x509', '-req', '-in', asked, ...by, '-out', certPath]);
      return { certPath, keyPath };
    },
  };
};
