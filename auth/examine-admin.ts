/** What is wrong with where the admin API listens. Asks it without a credential, which it refuses and does not record. */
import { adminBasePath } from '@sallyport/contract/admin-routes';
import { type Finding, findingsOn } from '@sallyport/kit/finding';
import type { AuthSettings } from './config.ts';

type AdminSettings = Pick<AuthSettings, 'adminPort' | 'adminHost' | 'portOffset'>;

const patienceMs = 3_000;
const guide = 'docs/guides/admin-api.md, "Where it listens".';

/** Nothing where it is not served. */
export const examineAdmin = async ({
  adminPort,
  adminHost,
  portOffset,
}: AdminSettings): Promise<readonly Finding[]> => {
  if (adminPort === undefined) return [];
  const about = findingsOn('issuer: admin API');
  const hosts = adminHost ?? ['localhost'];
  const open = hosts.filter((host) => !isLoopback(host));
  const beyond =
    open.length === 0
      ? []
      : [
          about.warning(
            `ADMIN_HOST opens it on ${open.join(', ')}, beyond this machine, and it speaks plain HTTP: credentials can be read on the way`,
            `Leave ADMIN_HOST out and reach it through an SSH tunnel, a sidecar or a proxy that speaks TLS; where that is so already, let nobody else reach the port. ${guide}`,
          ),
        ];
  // A port that the system chooses can be found out from the issuer's log alone.
  if (adminPort === 0) return beyond;
  return [...beyond, await answer(adminPort + portOffset, hosts[0] ?? 'localhost')];
};

const answer = async (port: number, host: string): Promise<Finding> => {
  const about = findingsOn('issuer: admin API');
  const where = `${reachable(host)}:${port}`;
  try {
    const response = await fetch(`http://${where}${adminBasePath}/keys`, { signal: AbortSignal.timeout(patienceMs) });
    const { code } = (await response.json().catch(() => ({}))) as { readonly code?: unknown };
    if (response.status === 401 && code === 'token_missing') return about.ok(`answers at ${where}`);
    return about.fault(
      `something else answers at ${where} (${response.status})`,
      'Give ADMIN_PORT a port of its own, or stop what has it.',
    );
  } catch {
    return about.warning(
      `nothing answers at ${where}`,
      `Is an issuer running on this host with these settings? One that has just been given ADMIN_PORT wants a restart. ${guide}`,
    );
  }
};

const isLoopback = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i.test(host);

/** Where this machine finds a server that listens there. */
const reachable = (host: string): string => {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::' || host === '[::]') return '[::1]';
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
};
