import type { EpochMs } from '@sallyport/contract';
import { type Credential, type Credentials, noteUseEveryMs } from '../../contracts/credentials.ts';
import { byOf, byValues, type Driver } from '../driver.ts';
import { credentialColumns, credentialFromRow, listed } from '../rows.ts';

export const credentials = ({ schema: s, read, write }: Driver): Credentials => {
  const columns = listed(credentialColumns);
  const traced = (act: 'credential.created' | 'credential.revoked', data: string, from: number): string =>
    `SELECT ${s}.append_effect('${act}', realm_id, NULL, NULL, json_build_object('credential', id, 'name', name${data}),
      ${byOf(s, from)}) FROM done`;
  const create = `WITH done AS (
    INSERT INTO ${s}.credentials (id, realm_id, name, scopes, secret_hash, created_at_ms, expires_at_ms)
    VALUES ($1, $2, $3, $4, $5, ${s}.now_ms(), ${s}.now_ms() + $6::bigint) ON CONFLICT DO NOTHING
    RETURNING id, realm_id, name, scopes) ${traced('credential.created', ", 'scopes', scopes", 7)}`;
  const revoke = `WITH done AS (
    UPDATE ${s}.credentials SET revoked_at_ms = ${s}.now_ms() WHERE realm_id = $1 AND id = $2 AND revoked_at_ms IS NULL
    RETURNING id, realm_id, name) ${traced('credential.revoked', '', 3)}`;
  const find = `SELECT ${s}.now_ms() AS now_ms, ${listed(credentialColumns, 'c.')}
    FROM (SELECT 1) AS one LEFT JOIN ${s}.credentials c ON c.realm_id = $1 AND c.id = $2`;
  const list = `SELECT ${columns} FROM ${s}.credentials WHERE realm_id = $1 ORDER BY created_at_ms DESC, id LIMIT $2`;
  const noteUse = `UPDATE ${s}.credentials SET last_used_at_ms = ${s}.now_ms() WHERE realm_id = $1 AND id = $2
    AND (last_used_at_ms IS NULL OR last_used_at_ms <= ${s}.now_ms() - ${noteUseEveryMs})`;
  return {
    createCredential: async ({ id, realmId, name, scopes, secretHash, ttlMs = null }, context) =>
      (await write(create, id, realmId, name, scopes, secretHash, ttlMs, ...byValues(context))).length === 1,
    findCredential: async (realmId, id) => {
      const [row] = await read(find, realmId, id);
      return { value: credentialFromRow(row), nowMs: Number(row?.['now_ms']) as EpochMs };
    },
    listCredentials: async (realmId, limit) =>
      (await read(list, realmId, limit)).map((row) => credentialFromRow(row) as Credential),
    noteCredentialUse: async (realmId, id) => {
      await write(noteUse, realmId, id);
    },
    revokeCredential: async ({ realmId, id, context }) =>
      (await write(revoke, realmId, id, ...byValues(context))).length === 1,
  };
};
