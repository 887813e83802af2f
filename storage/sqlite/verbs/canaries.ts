import type { Transaction } from '../transaction.ts';

export const canaryPrefix = 'root_key:';

export const keepCanary = (
  tx: Transaction,
  { keyId, sealed }: { readonly keyId: string; readonly sealed: string },
): string => {
  const key = `${canaryPrefix}${keyId}`;
  tx.run('INSERT INTO store_meta (key, value) VALUES (?, ?) ON CONFLICT DO NOTHING', key, sealed);
  return String(tx.get('SELECT value FROM store_meta WHERE key = ?', key)?.['value']);
};
