import { spawnSync } from 'node:child_process';

/**
 * `npm audit --omit=dev`: what ships has no known vulnerability. Returns why it could not be asked, where the registry has no such
 * service (a mirror, no network); undefined when it is clean. @throws Error that tells the vulnerabilities
 */
export const auditProduction = (root: string): string | undefined => {
  const args = ['audit', '--omit=dev', '--audit=true', '--json', '--loglevel=silent'];
  const { stdout } = spawnSync('npm', args, { cwd: root, encoding: 'utf8' });
  const answer = parsed(stdout);
  if (answer.metadata === undefined) return answer.message ?? answer.error?.summary ?? 'npm gave no report';
  if (answer.metadata.vulnerabilities.total === 0) return undefined;
  throw new Error(`npm audit --omit=dev:\n${stdout}`);
};

interface AuditReport {
  readonly metadata?: { readonly vulnerabilities: { readonly total: number } };
  readonly message?: string;
  readonly error?: { readonly summary?: string };
}

const parsed = (text: string): AuditReport => {
  try {
    return JSON.parse(text) as AuditReport;
  } catch {
    return {};
  }
};
