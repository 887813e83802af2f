/** The audit trail: where it is kept, and what an act waits for. */
import { choiceSetting, durationSetting, type SettingProblem, textSetting } from '@sallyport/kit/config';
import { isMySqlUrl, parseMySqlTarget } from '@sallyport/storage/mysql/target';
import { isPostgresUrl } from '@sallyport/storage/postgres/target';
import { databaseProblem, databaseTlsWarning } from './database.ts';

const problemOf = (text: string): string | undefined => {
  if (isPostgresUrl(text)) return databaseProblem(text);
  if (!isMySqlUrl(text)) return 'must begin with mysql://, mariadb:// or postgres://';
  try {
    parseMySqlTarget(text);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : 'cannot be read';
  }
};

const tlsWarning = (text: string): string | undefined => {
  if (isPostgresUrl(text)) return databaseTlsWarning(text);
  if (problemOf(text) !== undefined) return undefined;
  const { tls } = parseMySqlTarget(text);
  if (tls === 'REQUIRED')
    return 'has ssl-mode=REQUIRED: nobody asks who answers, and whoever stands between can read all';
  const byDefault = /[?&]ssl-mode=/i.test(text) ? undefined : tls;
  return tls === 'DISABLED' && byDefault === undefined ? 'has ssl-mode=DISABLED: it is spoken in clear' : undefined;
};

export const auditModes = ['transactional', 'spooled', 'write-ahead'] as const;
export type AuditMode = (typeof auditModes)[number];

export const auditSettings = {
  auditMode: choiceSetting({
    env: 'AUDIT_MODE',
    values: auditModes,
    optional: true,
    doc: 'What an act waits for. `transactional`: its record is written in its own transaction; needs sessions and audit in one database. `spooled`: for nothing; records wait in the store of the acts until the audit store has them. `write-ahead`: for an intent in the audit store, else 503 and no act. Default: `transactional` where that is possible, else `spooled`.',
  }),
  auditDatabaseUrl: textSetting({
    env: 'AUDIT_DATABASE_URL',
    optional: true,
    secret: true,
    check: problemOf,
    insecure: tlsWarning,
    doc: 'A database of its own for the audit trail. MySQL or MariaDB: `mysql://user:password@host:3306/database?ssl-mode=…`; PostgreSQL: as DATABASE_URL, in a schema of the same name. `ssl-mode` is `DISABLED`, `REQUIRED`, `VERIFY_CA` or `VERIFY_IDENTITY`; where it is not stated, `VERIFY_IDENTITY`, and `DISABLED` on the way to this machine itself. Default: the store of `DATABASE_URL`.',
  }),
  auditDatabaseCaPath: textSetting({
    env: 'AUDIT_DATABASE_CA_PATH',
    optional: true,
    doc: 'PEM file of the authorities that may have signed its certificate. Default: those that Node.js knows.',
  }),
  auditDatabaseMigrate: choiceSetting({
    env: 'AUDIT_DATABASE_MIGRATE',
    values: ['apply', 'check'],
    default: 'apply',
    doc: 'Whether the issuer adds what is missing in the MySQL table `audit_logs` by itself, or leaves that to `scripts/database/update_audit_logs.sql` and refuses to start without it.',
  }),
  auditFile: textSetting({
    env: 'AUDIT_FILE',
    optional: true,
    doc: 'A file that a copy of every sealed audit record is appended to, as JSON lines in the order of the chain. Each issuer needs one of its own.',
  }),
  auditCheckpointFile: textSetting({
    env: 'AUDIT_CHECKPOINT_FILE',
    optional: true,
    doc: 'A file that the signed checkpoints of the audit chain are appended to: best where nobody can change it who can change the audit store. Default: `audit-checkpoints.jsonl` in the data folder, with a part of its own in the name for each database of AUDIT_DATABASE_URL.',
  }),
  auditCheckpointSeconds: durationSetting({
    env: 'AUDIT_CHECKPOINT_SECONDS',
    unit: 'seconds',
    min: 1,
    max: 86_400,
    default: 10,
    doc: 'How often the end of the audit chain is signed while records come. What is cut off behind the last checkpoint is noticed by missing numbers alone.',
  }),
};

interface AuditSettings {
  readonly auditMode: AuditMode | undefined;
  readonly auditDatabaseUrl: string | undefined;
  readonly auditDatabaseCaPath: string | undefined;
  readonly redisUrl: string | undefined;
  readonly redisAddr: string | undefined;
  readonly redisRole: 'store' | 'cache';
}

const isElsewhere = ({ auditDatabaseUrl }: AuditSettings): boolean => auditDatabaseUrl !== undefined;
const isInRedis = ({ redisUrl, redisAddr, redisRole }: AuditSettings): boolean =>
  redisRole === 'store' && (redisUrl !== undefined || redisAddr !== undefined);

export const auditModeOf = (settings: AuditSettings): AuditMode =>
  settings.auditMode ?? (isElsewhere(settings) || isInRedis(settings) ? 'spooled' : 'transactional');

export const auditProblems = (settings: AuditSettings): readonly SettingProblem[] => {
  const problems: SettingProblem[] = [];
  const cannot = 'is transactional, and cannot be: ';
  if (settings.auditMode === 'transactional' && isElsewhere(settings))
    problems.push({
      setting: 'AUDIT_MODE',
      problem: `${cannot}AUDIT_DATABASE_URL names another database than the acts'`,
    });
  if (settings.auditMode === 'transactional' && isInRedis(settings))
    problems.push({ setting: 'AUDIT_MODE', problem: `${cannot}sessions stand in Redis, audit does not` });
  if (settings.auditDatabaseCaPath !== undefined && settings.auditDatabaseUrl === undefined)
    problems.push({ setting: 'AUDIT_DATABASE_CA_PATH', problem: 'is set, and AUDIT_DATABASE_URL is not' });
  return problems;
};
