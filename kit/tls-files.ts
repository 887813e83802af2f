import { X509Certificate } from 'node:crypto';
import { SettingsError } from './config-error.ts';
import type { Log } from './log.ts';
import { fingerprintOf, watchFile } from './watch-file.ts';

export type FollowLog = Pick<Log, 'info' | 'warn' | 'error'>;

export interface FollowFilesOptions<Held> {
  readonly paths: readonly string[];
  /** Reads all of them. @throws SettingsError where they cannot be used */
  readonly read: () => Held;
  readonly isSame: (before: Held, now: Held) => boolean;
}

export interface Watching {
  /** Looks at once. */
  readonly reload: () => void;
  readonly close: () => void;
}

export interface FollowedFiles<Held> {
  readonly current: () => Held;
  /** From here on changes are seen and handed on; what is refused, by `read` or by `take`, is logged and changes nothing. */
  watch(log: FollowLog, take?: (held: Held) => void): Watching;
}

/**
 * Files of a certificate, its key and of authorities, taken together and read again when one changes. While they do not belong
 * together, which is so for a moment in every renewal, what was read before them stays in use.
 * @throws SettingsError as `read` does, the first time
 */
export const followFiles = <Held>({ paths, read, isSame }: FollowFilesOptions<Held>): FollowedFiles<Held> => {
  // Before they are read: what is written meanwhile is then a change.
  const known = paths.map(fingerprintOf);
  let held = read();
  const watch: FollowedFiles<Held>['watch'] = (log, take = () => undefined) => {
    const reload = (): void => {
      try {
        const next = read();
        if (isSame(held, next)) return;
        take(next);
        held = next;
      } catch (error) {
        const problems = error instanceof SettingsError ? error.problems.map(({ problem }) => problem) : [];
        log.error({ problems }, 'TLS certificate refused, the one before it stays');
      }
    };
    const watchers = paths.map((path, place) => watchFile({ path, known: known[place] ?? '', onChange: reload }));
    return {
      reload,
      close: () => {
        for (const watcher of watchers) watcher.close();
      },
    };
  };
  return Object.freeze({ current: () => held, watch });
};

const dayMs = 86_400_000;
/** Certificates of ACME authorities are renewed with a third of their life left, thirty days as a rule. */
const warnBeforeDays = 14;

/** What certificate is shown now, and whether it is time to renew it. */
export const tellCertificate = (cert: string, log: FollowLog, nowMs: number): void => {
  const { subject, subjectAltName, validToDate } = new X509Certificate(cert);
  const daysLeft = Math.floor((validToDate.getTime() - nowMs) / dayMs);
  const about = { subject, names: subjectAltName, validTo: validToDate.toISOString(), daysLeft };
  if (daysLeft < 0) log.error(about, 'TLS certificate has expired');
  else if (daysLeft < warnBeforeDays) log.warn(about, 'TLS certificate expires soon');
  else log.info(about, 'TLS certificate in use');
};
