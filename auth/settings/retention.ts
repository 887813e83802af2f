/** How long what is over is kept, and how often it is taken away. */
import { durationSetting } from '@sallyport/kit/config';

export const retentionSettings = {
  cleanupIntervalSeconds: durationSetting({
    env: 'CLEANUP_INTERVAL_SECONDS',
    unit: 'seconds',
    max: 86_400 * 7,
    default: 3600,
    doc: 'How often the issuer takes away what is over, spread by a quarter either way; any number of issuers may. 0: only `sallyport cleanup` does.',
  }),
  sessionRetentionDays: durationSetting({
    env: 'SESSION_RETENTION_DAYS',
    unit: 'days',
    max: 3650,
    default: 30,
    doc: 'How long a session that was ended is kept, and at least until it would have expired. One that has expired by itself goes with the next cleanup.',
  }),
  deviceRetentionDays: durationSetting({
    env: 'DEVICE_RETENTION_DAYS',
    unit: 'days',
    max: 3650,
    default: 30,
    doc: 'How long a revoked device is kept. One whose registration was never confirmed goes after an hour.',
  }),
  auditRetentionDays: durationSetting({
    env: 'AUDIT_RETENTION_DAYS',
    unit: 'days',
    min: 1,
    max: 36_500,
    optional: true,
    doc: 'How long audit records are kept. Default: for ever.',
  }),
  eventRetentionDays: durationSetting({
    env: 'EVENT_RETENTION_DAYS',
    unit: 'days',
    min: 1,
    max: 36_500,
    optional: true,
    doc: 'How long published events stay in the outbox, where `sallyport events replay` can send them again. One that has not left is kept, however old it is. Default: for ever.',
  }),
};
