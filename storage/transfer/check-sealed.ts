import type { Sealer, SealPlace } from '@sallyport/kit/seal';
import type { TransferRow, TransferSource, TransferTable } from '../contracts/transfer.ts';
import { places } from '../sealed-columns.ts';

export interface SealedSamples {
  readonly opened: number;
  readonly refused: number;
}

interface SealedColumn {
  readonly table: TransferTable;
  readonly column: string;
  readonly place: (row: TransferRow) => SealPlace;
}

const textOf = (row: TransferRow, column: string): string => String(row[column]);

const sealedColumns = (signingKeyPlace: (kid: string) => SealPlace): readonly SealedColumn[] => [
  { table: 'signing_keys', column: 'private_key_sealed', place: (row) => signingKeyPlace(textOf(row, 'kid')) },
  { table: 'sessions', column: 'origin_sealed', place: (row) => places.origin(textOf(row, 'id')) },
  { table: 'users', column: 'phone_sealed', place: (row) => places.phone(textOf(row, 'id')) },
  {
    table: 'devices',
    column: 'device_key_sealed',
    place: (row) => places.deviceKey(textOf(row, 'realm_id'), textOf(row, 'user_id'), textOf(row, 'id')),
  },
];

/** Rows of a table that are looked at for a sealed value. */
const samplesPerTable = 20;

/** Opens some of what is sealed in a store: a copy carries it as it is, and whoever serves it needs the same root keys. */
export const openSealedSamples = async (
  source: Pick<TransferSource, 'exportRows'>,
  sealer: Sealer,
  signingKeyPlace: (kid: string) => SealPlace,
): Promise<SealedSamples> => {
  const counts = { opened: 0, refused: 0 };
  for (const { table, column, place } of sealedColumns(signingKeyPlace)) {
    const { rows } = await source.exportRows({ table, after: undefined, limit: samplesPerTable });
    for (const row of rows) {
      if (row[column] === null || row[column] === undefined) continue;
      counts[isOpened(sealer, textOf(row, column), place(row)) ? 'opened' : 'refused'] += 1;
    }
  }
  return counts;
};

const isOpened = (sealer: Sealer, sealed: string, place: SealPlace): boolean => {
  try {
    sealer.open(sealed, place);
    return true;
  } catch {
    return false;
  }
};
