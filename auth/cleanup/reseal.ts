/**
 * Seals under the first root key what is sealed under another one, so that the other may go. Never: touches a value that somebody has
 * written meanwhile, or one that cannot be opened.
 */
import { SealError, type Sealer, type SealPlace } from '@sallyport/kit/seal';
import { type RootKeys, type SealedChange, sealedColumns } from '@sallyport/storage/contracts/root-keys';
import { rootOf, sealedPages } from '../tokens/sealed-values.ts';

export interface Resealed {
  readonly resealed: number;
  /** Under a root key that is not held, or no sealed value at all: left as they are. */
  readonly unopened: number;
}

export interface ResealOptions {
  readonly rootKeys: Pick<RootKeys, 'readSealed' | 'replaceSealed'>;
  readonly sealer: Sealer;
  /** Ids of the root keys that are held; the first seals. */
  readonly kids: readonly string[];
  /** Ends a run between two steps. */
  readonly signal?: AbortSignal;
}

/** Where one root key is held there is nothing to seal anew. */
export const reseal = async (options: ResealOptions): Promise<Resealed> => {
  const { rootKeys, sealer, kids } = options;
  const counts = { resealed: 0, unopened: 0 };
  if (kids.length < 2) return counts;
  for (const column of sealedColumns) {
    for await (const values of sealedPages(options, column)) {
      const stale = values.filter(({ sealed }) => rootOf(sealed) !== kids[0]);
      const changes: SealedChange[] = [];
      for (const { id, sealed, place } of stale) {
        const to = sealedAnew(sealer, sealed, place);
        if (to === undefined) counts.unopened += 1;
        else changes.push({ id, from: sealed, to });
      }
      if (changes.length > 0) counts.resealed += await rootKeys.replaceSealed({ column, changes });
    }
  }
  return counts;
};

const sealedAnew = (sealer: Sealer, sealed: string, place: SealPlace): string | undefined => {
  try {
    return sealer.seal(sealer.open(sealed, place), place);
  } catch (error) {
    if (error instanceof SealError) return undefined;
    throw error;
  }
};
