/** What is wrong with where the admin API listens. Asks it without a credential, which it refuses and does not record. */
import { get, type IncomingMessage } from 'node:http';
import { get as getSecurely } from 'node:https';
import { text } from 'node:stream/consumers';
import { adminBasePath } from '@sallyport/contract/admin-routes';
import { type Finding, findingsOn } from '@sallyport/kit/finding';
import type { AuthSettings } from './config.ts';

type AdminSettings = Pick<AuthSettings, 'adminPort' | 'adminHost' | 'portOffset' | 'privateTlsCertPath'>;

const about = findingsOn('issuer: admin API');
const patienceMs = 3_000;
const guide = 'docs/guides/admin-api.md, "Where it listens".';

/** Nothing where it is not served. */
export const examineAdmin = async (settings: AdminSettings): Promise<readonly Finding[]> => {
  const { adminPort, adminHost, portOffset, privateTlsCertPath } = settings;
  if (adminPort === undefined) return [];
  const hosts = adminHost ?? ['localhost'];
  const speaksTls = privateTlsCertPath !== undefined;
  const open = speaksTls ? [] : hosts.filter((host) => !isLoopback(host));
  const beyond = open.length === 0 ? [] : [openInPlain(open)];
  // A port that the system chooses can be found out from the issuer's log alone.
  if (adminPort === 0) return beyond;
  return [...beyond, await answer(adminPort + portOffset, hosts[0] ?? 'localhost', speaksTls)];
};

const openInPlain = (hosts: readonly string[]): Finding =>
  about.warning(
    `ADMIN_HOST opens it on ${hosts.join(', ')}, beyond this machine, in plain HTTP: credentials can be read on the way`,
    `Give it a certificate (AUTH_PRIVATE_TLS_CERT_PATH), or leave ADMIN_HOST out and reach it through an SSH tunnel, a sidecar or a proxy that speaks TLS. ${guide}`,
  );

const answer = async (port: number, host: string, speaksTls: boolean): Promise<Finding> => {
  const where = `${reachable(host)}:${port}`;
  const answered = await ask(`${speaksTls ? 'https' : 'http'}://${where}${adminBasePath}/keys`);
  if (answered === undefined)
    return about.warning(
      `nothing answers at ${where}${speaksTls ? ' in TLS' : ''}`,
      `Is an issuer running on this host with these settings? One that has just been given them wants a restart. ${guide}`,
    );
  if (answered.status === 401 && answered.body.includes('"token_missing"')) return about.ok(`answers at ${where}`);
  return about.fault(
    `something else answers at ${where} (${answered.status})`,
    'Give ADMIN_PORT a port of its own, or stop what has it.',
  );
};

/** Whether the certificate can be trusted is looked at elsewhere, and nothing secret is sent. */
const ask = (url: string): Promise<{ readonly status: number; readonly body: string } | undefined> =>
  new Promise((resolve) => {
    const options = { agent: false, signal: AbortSignal.timeout(patienceMs), rejectUnauthorized: false } as const;
    const read = (response: IncomingMessage): void => {
      text(response).then(
        (body) => resolve({ status: response.statusCode ?? 0, body }),
        () => resolve(undefined),
      );
    };
    const request = url.startsWith('https:') ? getSecurely(url, options, read) : get(url, options, read);
    request.on('error', () => resolve(undefined));
  });

const isLoopback = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i.test(host);

/** Where this machine finds a server that listens there. */
const reachable = (host: string): string => {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::' || host === '[::]') return '[::1]';
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
};
