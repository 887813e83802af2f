import type { RestoredStore } from '@sallyport/auth/maintenance';

export const restoredText = (restored: RestoredStore, json: boolean): string => {
  if (json) return `${JSON.stringify(restored)}\n`;
  const { sessions, users, keys, keySetting } = restored;
  const lines = [
    `Ended ${sessions} sessions of ${users} users, retired ${keys.length} signing keys.`,
    keySetting === undefined
      ? 'No token of before is accepted; the next issuer that starts makes a new key.'
      : `Give ${keySetting} a new value before an issuer starts: access tokens signed with it live until they expire.`,
  ];
  return `${lines.join('\n')}\n`;
};
