/**
 * Everything that refresh.md, gateway.md and architecture.md need. Times are integer milliseconds UTC; `*_sealed` columns hold
 * kit/seal text; lists are JSON arrays. No foreign key leads to `realms`: each login would lock the one row that all have in common.
 */
export const spine = (s: string): string => `
CREATE TABLE ${s}.store_meta (
  key text PRIMARY KEY,
  value text NOT NULL
);

CREATE TABLE ${s}.realms (
  id text PRIMARY KEY,
  created_at_ms bigint NOT NULL
);

CREATE TABLE ${s}.users (
  id uuid PRIMARY KEY,
  realm_id text NOT NULL,
  email text,
  email_key text,
  username text,
  username_key text,
  name text,
  first_name text,
  last_name text,
  display_name text,
  phone_sealed text,
  avatar_url text,
  password_hash text,
  roles jsonb NOT NULL,
  permissions jsonb NOT NULL,
  session_epoch integer NOT NULL DEFAULT 1,
  access_epoch integer NOT NULL DEFAULT 1,
  created_at_ms bigint NOT NULL,
  disabled_at_ms bigint,
  deleted_at_ms bigint
) WITH (fillfactor = 90);
CREATE UNIQUE INDEX users_email ON ${s}.users (realm_id, email_key) WHERE deleted_at_ms IS NULL AND email_key IS NOT NULL;
CREATE UNIQUE INDEX users_username ON ${s}.users (realm_id, username_key)
  WHERE deleted_at_ms IS NULL AND username_key IS NOT NULL;
CREATE INDEX users_page ON ${s}.users (realm_id, id) WHERE deleted_at_ms IS NULL;

-- Room in each page: a rotation touches no indexed column, so its new row stays beside the old one and no index is written.
CREATE TABLE ${s}.sessions (
  id uuid PRIMARY KEY,
  format integer NOT NULL,
  realm_id text NOT NULL,
  user_id uuid NOT NULL,
  device_id uuid,
  client_id text NOT NULL,
  scope text,
  audience text,
  created_at_ms bigint NOT NULL,
  auth_time_ms bigint NOT NULL,
  amr jsonb NOT NULL,
  acr text,
  session_epoch integer NOT NULL,
  generation bigint NOT NULL,
  key_id integer NOT NULL,
  salt bytea NOT NULL CHECK (length(salt) = 16),
  token_hash bytea NOT NULL CHECK (length(token_hash) = 32),
  hash_key_id text NOT NULL,
  rotated_at_ms bigint NOT NULL,
  rotation_id bytea NOT NULL CHECK (length(rotation_id) = 16),
  winner_attempt bytea,
  loser_attempts bytea,
  idle_expires_at_ms bigint NOT NULL,
  absolute_expires_at_ms bigint NOT NULL,
  bound_key_thumbprint text,
  proof_required boolean NOT NULL DEFAULT false,
  last_seen_at_ms bigint NOT NULL,
  origin_sealed text,
  label text,
  revoked_at_ms bigint,
  revoked_cause text
) WITH (fillfactor = 70);
CREATE INDEX sessions_live ON ${s}.sessions (user_id, created_at_ms) WHERE revoked_at_ms IS NULL;
CREATE INDEX sessions_device ON ${s}.sessions (device_id, created_at_ms)
  WHERE revoked_at_ms IS NULL AND device_id IS NOT NULL;

CREATE TABLE ${s}.devices (
  id uuid PRIMARY KEY,
  realm_id text NOT NULL,
  user_id uuid NOT NULL,
  name text,
  curve text NOT NULL,
  device_key_sealed text NOT NULL,
  proof_required boolean NOT NULL DEFAULT false,
  created_at_ms bigint NOT NULL,
  confirmed_at_ms bigint,
  revoked_at_ms bigint
);
CREATE INDEX devices_user ON ${s}.devices (user_id, created_at_ms);

CREATE TABLE ${s}.nonces (
  realm_id text NOT NULL,
  purpose text NOT NULL,
  nonce text NOT NULL,
  expires_at_ms bigint NOT NULL,
  PRIMARY KEY (realm_id, purpose, nonce)
);
CREATE INDEX nonces_expiry ON ${s}.nonces (expires_at_ms);

CREATE TABLE ${s}.counters (
  realm_id text NOT NULL,
  purpose text NOT NULL,
  subject text NOT NULL,
  attempts_ms bigint[] NOT NULL DEFAULT '{}',
  pending jsonb NOT NULL DEFAULT '[]',
  failures_in_row integer NOT NULL DEFAULT 0,
  locked_until_ms bigint NOT NULL DEFAULT 0,
  expires_at_ms bigint NOT NULL,
  PRIMARY KEY (realm_id, purpose, subject)
) WITH (fillfactor = 70);
CREATE INDEX counters_expiry ON ${s}.counters (expires_at_ms);

CREATE TABLE ${s}.signing_keys (
  kid text PRIMARY KEY,
  realm_id text NOT NULL,
  algorithm text NOT NULL,
  public_jwk text NOT NULL,
  private_key_sealed text NOT NULL,
  state text NOT NULL CHECK (state IN ('next', 'current', 'retired')),
  created_at_ms bigint NOT NULL
);
CREATE UNIQUE INDEX signing_keys_current ON ${s}.signing_keys (realm_id, algorithm) WHERE state = 'current';

CREATE TABLE ${s}.revocations (
  position bigint PRIMARY KEY,
  realm_id text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('session', 'user', 'key')),
  subject text NOT NULL,
  minimum_epoch integer,
  cause text NOT NULL,
  at_ms bigint NOT NULL,
  expires_at_ms bigint NOT NULL
);
CREATE INDEX revocations_expiry ON ${s}.revocations (expires_at_ms);

-- One row: whoever appends holds it until the commit, so positions are given, and become readable, in the order of commits.
CREATE TABLE ${s}.revocation_head (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  position bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO ${s}.revocation_head (position) VALUES (0);

-- Ordered by transaction: read are only those of transactions before the oldest that is still open (ADR 0020).
CREATE TABLE ${s}.effects (
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  seq bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  id uuid NOT NULL,
  version integer NOT NULL,
  realm_id text NOT NULL,
  act text NOT NULL,
  at_ms bigint NOT NULL,
  user_id uuid,
  session_id uuid,
  actor text NOT NULL,
  request_id text NOT NULL,
  address text,
  user_agent text,
  data json,
  PRIMARY KEY (xid, seq)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);

-- One row: how many effects have been trimmed, and the last of them. A position is that number and the place behind it.
CREATE TABLE ${s}.effects_trimmed (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  position bigint NOT NULL,
  xid xid8 NOT NULL,
  seq bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO ${s}.effects_trimmed (position, xid, seq) VALUES (0, '0', 0);

CREATE TABLE ${s}.audit (
  effect_id uuid PRIMARY KEY,
  realm_id text NOT NULL,
  event_type text NOT NULL,
  actor text NOT NULL,
  user_id text,
  session_id text,
  address text,
  user_agent text,
  request_id text NOT NULL,
  details text NOT NULL,
  at_ms bigint NOT NULL
);
CREATE INDEX audit_user ON ${s}.audit (user_id, effect_id) WHERE user_id IS NOT NULL;

CREATE TABLE ${s}.outbox (
  position bigint PRIMARY KEY,
  effect_id uuid NOT NULL UNIQUE,
  realm_id text NOT NULL,
  type text NOT NULL,
  version integer NOT NULL,
  key text NOT NULL,
  data text NOT NULL,
  at_ms bigint NOT NULL
);
CREATE TABLE ${s}.outbox_head (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  position bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO ${s}.outbox_head (position) VALUES (0);
`;
