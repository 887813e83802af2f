import type { Backup } from '@sallyport/auth/maintenance';

export const backupText = (backup: Backup, json: boolean): string => {
  if (json) return `${JSON.stringify(backup)}\n`;
  const lines = [
    ...whatWasDone(backup),
    `Keep apart from it, as well guarded: ${backup.keep.join(', ')}. Without the root keys no session and no signing key in it can be used.`,
    ...(backup.isRedisApart
      ? ['Sessions stand in Redis and are not in it: without a copy of Redis people log in again.']
      : []),
    'Whoever puts it back runs `sallyport store restored` before any server starts.',
  ];
  return `${lines.join('\n')}\n`;
};

const whatWasDone = (backup: Backup): readonly string[] => {
  if (backup.kind === 'postgres') return [backup.command];
  const { file, bytes, users, sessions } = backup;
  return [`${file}: ${bytes} bytes, ${users} users, ${sessions} sessions; sound.`];
};
