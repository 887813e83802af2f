import type { Transaction } from '../transaction.ts';

export const noteIncarnation = (
  tx: Transaction,
  { companion, incarnation }: { readonly companion: string; readonly incarnation: string },
): string | undefined => {
  const key = `companion:${companion}`;
  const known = tx.get('SELECT value FROM store_meta WHERE key = ?', key)?.['value'];
  if (known === incarnation) return undefined;
  tx.run(
    'INSERT INTO store_meta (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
    key,
    incarnation,
  );
  return known === undefined ? undefined : String(known);
};
