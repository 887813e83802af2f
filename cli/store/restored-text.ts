import type { RestoredStore } from '@sallyport/auth/maintenance';

export const restoredText = (restored: RestoredStore, json: boolean): string => {
  if (json) return `${JSON.stringify(restored)}\n`;
  const { sessions, users, keys, credentials, keySettings } = restored;
  const lines = [
    `Ended ${sessions} sessions of ${users} users, retired ${keys.length} signing keys.`,
    ...(keySettings.length === 0
      ? ['No token of before is accepted; the next issuer that starts makes a new key.']
      : keySettings.map(adviceOn)),
    ...(credentials.length === 0
      ? []
      : [`Revoked the service credentials ${credentials.join(', ')}: give each service a new one.`]),
  ];
  return `${lines.join('\n')}\n`;
};

const adviceOn = (setting: RestoredStore['keySettings'][number]): string => {
  const why = 'access tokens signed with it live until they expire.';
  if (setting === 'JWT_SECRET_PREVIOUS') return `Remove ${setting} before an issuer or a gateway starts: ${why}`;
  const kept = setting === 'JWT_SECRET' ? ', and do not keep the old one as JWT_SECRET_PREVIOUS' : '';
  return `Give ${setting} a new value before an issuer starts${kept}: ${why}`;
};
