/** Service credentials of the admin API, and the order in which it searches accounts, whatever the collation of the database. */
export const credentials = (s: string): string => `
CREATE TABLE ${s}.credentials (
  id text PRIMARY KEY,
  realm_id text NOT NULL,
  name text NOT NULL,
  scopes jsonb NOT NULL,
  secret_hash bytea NOT NULL CHECK (length(secret_hash) = 32),
  created_at_ms bigint NOT NULL,
  expires_at_ms bigint,
  last_used_at_ms bigint,
  revoked_at_ms bigint
);
CREATE UNIQUE INDEX credentials_name ON ${s}.credentials (realm_id, name) WHERE revoked_at_ms IS NULL;
CREATE INDEX users_email_search ON ${s}.users (realm_id, email_key COLLATE "C")
  WHERE deleted_at_ms IS NULL AND email_key IS NOT NULL;
CREATE INDEX users_username_search ON ${s}.users (realm_id, username_key COLLATE "C")
  WHERE deleted_at_ms IS NULL AND username_key IS NOT NULL;
`;
