import type { Canaries } from '../../contracts/canaries.ts';
import type { Driver } from '../driver.ts';

const prefix = 'root_key:';

export const canaries = ({ schema: s, read, write }: Driver): Canaries => {
  const keep = `INSERT INTO ${s}.store_meta (key, value) VALUES ($1, $2) ON CONFLICT DO NOTHING`;
  const find = `SELECT value FROM ${s}.store_meta WHERE key = $1`;
  const list = `SELECT substr(key, ${prefix.length + 1}) AS id FROM ${s}.store_meta WHERE key LIKE '${prefix}%'`;
  return {
    keepCanary: async (keyId, sealed) => {
      await write(keep, `${prefix}${keyId}`, sealed);
      // A statement of its own: what somebody else has just put there is in no snapshot of the first.
      return String((await read(find, `${prefix}${keyId}`))[0]?.['value']);
    },
    listCanaryKeys: async () => (await read(list)).map(({ id }) => String(id)),
  };
};
