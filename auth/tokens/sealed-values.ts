/** All that is sealed in the store, a step at a time. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RootKeys, SealedColumn } from '@sallyport/storage/contracts/root-keys';

/** A step holds the store's writer for some milliseconds; between two of them whoever waits has his turn. */
const rowsPerStep = 500;
const pauseMs = 5;

/** The root key that a value is sealed under (`v1.<root key>.…`). */
export const rootOf = (sealed: string): string => sealed.split('.', 3)[1] ?? '';

/** All values of a column, a step at a time. */
export async function* sealedPages(
  { rootKeys, signal }: { readonly rootKeys: Pick<RootKeys, 'readSealed'>; readonly signal?: AbortSignal },
  column: SealedColumn,
) {
  for (let after: string | undefined; signal?.aborted !== true; ) {
    const page = await rootKeys.readSealed({ column, limit: rowsPerStep, ...(after !== undefined && { after }) });
    yield page.values;
    after = page.last;
    if (after === undefined) return;
    await sleep(pauseMs);
  }
}
