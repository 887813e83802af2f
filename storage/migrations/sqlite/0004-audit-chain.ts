/** What the audit trail's chain needs, and what waits for another store of audit. */
export const auditChain = `
ALTER TABLE audit ADD COLUMN device_id TEXT;
ALTER TABLE audit ADD COLUMN node TEXT;
ALTER TABLE audit ADD COLUMN boot TEXT;
ALTER TABLE audit ADD COLUMN boot_number INTEGER;
ALTER TABLE audit ADD COLUMN mac TEXT;
ALTER TABLE audit ADD COLUMN place INTEGER;
ALTER TABLE audit ADD COLUMN hash TEXT;
ALTER TABLE audit ADD COLUMN person_hash TEXT;
ALTER TABLE audit ADD COLUMN person_salt TEXT;
ALTER TABLE audit ADD COLUMN delivered_at_ms INTEGER;
CREATE UNIQUE INDEX audit_place ON audit (place) WHERE place IS NOT NULL;
CREATE INDEX audit_open ON audit (effect_id) WHERE place IS NULL AND delivered_at_ms IS NULL;
CREATE INDEX audit_delivered ON audit (delivered_at_ms) WHERE delivered_at_ms IS NOT NULL;

CREATE TABLE audit_chain (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  place INTEGER NOT NULL,
  hash TEXT NOT NULL,
  lease_holder TEXT,
  lease_until_ms INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO audit_chain (id, place, hash) VALUES (1, 0, '${'0'.repeat(64)}');

CREATE TABLE audit_checkpoints (
  kind TEXT NOT NULL CHECK (kind IN ('head', 'cut')),
  place INTEGER NOT NULL,
  hash TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  key_id TEXT NOT NULL,
  signature TEXT NOT NULL,
  PRIMARY KEY (kind, place)
) STRICT, WITHOUT ROWID;
`;
