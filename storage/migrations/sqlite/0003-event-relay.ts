/**
 * What becomes of events: pending until they are published or dead. Those of the time before there was a relay have had nobody to go to,
 * and are not sent all at once now: they count as published, and can be replayed.
 */
export const eventRelay = `
ALTER TABLE outbox ADD COLUMN published_at_ms INTEGER;
ALTER TABLE outbox ADD COLUMN dead_at_ms INTEGER;
ALTER TABLE outbox ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN retry_at_ms INTEGER;
ALTER TABLE outbox ADD COLUMN reason TEXT;
ALTER TABLE outbox ADD COLUMN partition INTEGER GENERATED ALWAYS AS
  (max(instr('0123456789abcdef', substr(key, -1)) - 1, 0)) VIRTUAL;
UPDATE outbox SET published_at_ms = at_ms;

CREATE INDEX outbox_pending ON outbox (partition, position) WHERE published_at_ms IS NULL AND dead_at_ms IS NULL;
CREATE INDEX outbox_waiting ON outbox (key) WHERE retry_at_ms IS NOT NULL;
CREATE INDEX outbox_dead ON outbox (position) WHERE dead_at_ms IS NOT NULL;
CREATE INDEX outbox_key ON outbox (key);

CREATE TABLE outbox_leases (
  partition INTEGER PRIMARY KEY,
  holder TEXT NOT NULL,
  fence INTEGER NOT NULL,
  until_ms INTEGER NOT NULL
) STRICT;
`;
