/**
 * Everything that refresh.md, gateway.md and architecture.md need. Times are integer milliseconds UTC; ids are 16 bytes;
 * `*_sealed` columns hold kit/seal text; lists are JSON arrays.
 */
export const spine = `
CREATE TABLE store_meta (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE realms (
  id TEXT PRIMARY KEY,
  created_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
  id BLOB PRIMARY KEY CHECK (length(id) = 16),
  realm_id TEXT NOT NULL REFERENCES realms (id),
  email TEXT,
  email_key TEXT,
  username TEXT,
  username_key TEXT,
  name TEXT,
  first_name TEXT,
  last_name TEXT,
  display_name TEXT,
  phone_sealed TEXT,
  avatar_url TEXT,
  password_hash TEXT,
  roles TEXT NOT NULL,
  permissions TEXT NOT NULL,
  session_epoch INTEGER NOT NULL DEFAULT 1,
  access_epoch INTEGER NOT NULL DEFAULT 1,
  created_at_ms INTEGER NOT NULL,
  disabled_at_ms INTEGER,
  deleted_at_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX users_email ON users (realm_id, email_key) WHERE deleted_at_ms IS NULL AND email_key IS NOT NULL;
CREATE UNIQUE INDEX users_username ON users (realm_id, username_key) WHERE deleted_at_ms IS NULL AND username_key IS NOT NULL;

CREATE TABLE sessions (
  id BLOB PRIMARY KEY CHECK (length(id) = 16),
  format INTEGER NOT NULL,
  realm_id TEXT NOT NULL REFERENCES realms (id),
  user_id BLOB NOT NULL,
  device_id BLOB,
  client_id TEXT NOT NULL,
  scope TEXT,
  audience TEXT,
  created_at_ms INTEGER NOT NULL,
  auth_time_ms INTEGER NOT NULL,
  amr TEXT NOT NULL,
  acr TEXT,
  session_epoch INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  key_id INTEGER NOT NULL,
  salt BLOB NOT NULL CHECK (length(salt) = 16),
  token_hash BLOB NOT NULL CHECK (length(token_hash) = 32),
  hash_key_id TEXT NOT NULL,
  rotated_at_ms INTEGER NOT NULL,
  rotation_id BLOB NOT NULL CHECK (length(rotation_id) = 16),
  winner_attempt BLOB,
  loser_attempts BLOB,
  idle_expires_at_ms INTEGER NOT NULL,
  absolute_expires_at_ms INTEGER NOT NULL,
  bound_key_thumbprint TEXT,
  proof_required INTEGER NOT NULL DEFAULT 0,
  last_seen_at_ms INTEGER NOT NULL,
  origin_sealed TEXT,
  label TEXT,
  revoked_at_ms INTEGER,
  revoked_cause TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_live ON sessions (user_id, created_at_ms) WHERE revoked_at_ms IS NULL;
CREATE INDEX sessions_device ON sessions (device_id, created_at_ms) WHERE revoked_at_ms IS NULL AND device_id IS NOT NULL;

CREATE TABLE devices (
  id BLOB PRIMARY KEY CHECK (length(id) = 16),
  realm_id TEXT NOT NULL REFERENCES realms (id),
  user_id BLOB NOT NULL,
  name TEXT,
  curve TEXT NOT NULL,
  device_key_sealed TEXT NOT NULL,
  proof_required INTEGER NOT NULL DEFAULT 0,
  created_at_ms INTEGER NOT NULL,
  confirmed_at_ms INTEGER,
  revoked_at_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX devices_user ON devices (user_id, created_at_ms);

CREATE TABLE nonces (
  realm_id TEXT NOT NULL,
  purpose TEXT NOT NULL,
  nonce TEXT NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  PRIMARY KEY (realm_id, purpose, nonce)
) STRICT, WITHOUT ROWID;
CREATE INDEX nonces_expiry ON nonces (expires_at_ms);

CREATE TABLE counters (
  realm_id TEXT NOT NULL,
  purpose TEXT NOT NULL,
  subject TEXT NOT NULL,
  attempts_ms TEXT NOT NULL DEFAULT '[]',
  pending TEXT NOT NULL DEFAULT '[]',
  failures_in_row INTEGER NOT NULL DEFAULT 0,
  locked_until_ms INTEGER NOT NULL DEFAULT 0,
  expires_at_ms INTEGER NOT NULL,
  PRIMARY KEY (realm_id, purpose, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX counters_expiry ON counters (expires_at_ms);

CREATE TABLE signing_keys (
  kid TEXT PRIMARY KEY,
  realm_id TEXT NOT NULL REFERENCES realms (id),
  algorithm TEXT NOT NULL,
  public_jwk TEXT NOT NULL,
  private_key_sealed TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('next', 'current', 'retired')),
  created_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX signing_keys_current ON signing_keys (realm_id, algorithm) WHERE state = 'current';

CREATE TABLE revocations (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  realm_id TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('session', 'user', 'key')),
  subject TEXT NOT NULL,
  minimum_epoch INTEGER,
  cause TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX revocations_expiry ON revocations (expires_at_ms);

CREATE TABLE effects (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  id BLOB NOT NULL,
  version INTEGER NOT NULL,
  realm_id TEXT NOT NULL,
  act TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  user_id BLOB,
  session_id BLOB,
  actor TEXT NOT NULL,
  request_id TEXT NOT NULL,
  address TEXT,
  user_agent TEXT,
  data TEXT
) STRICT;

CREATE TABLE audit (
  effect_id BLOB PRIMARY KEY,
  realm_id TEXT NOT NULL,
  event_type TEXT NOT NULL,
  actor TEXT NOT NULL,
  user_id TEXT,
  session_id TEXT,
  address TEXT,
  user_agent TEXT,
  request_id TEXT NOT NULL,
  details TEXT NOT NULL,
  at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_user ON audit (user_id, effect_id) WHERE user_id IS NOT NULL;

CREATE TABLE outbox (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  effect_id BLOB NOT NULL UNIQUE,
  realm_id TEXT NOT NULL,
  type TEXT NOT NULL,
  version INTEGER NOT NULL,
  key TEXT NOT NULL,
  data TEXT NOT NULL,
  at_ms INTEGER NOT NULL
) STRICT;
`;
