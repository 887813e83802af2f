/** Devices that log in: what they have to answer at first, a second key that sessions are bound to, when and whence they were last seen. */
export const devices = (s: string): string => `
ALTER TABLE ${s}.devices
  ADD COLUMN challenge bytea,
  ADD COLUMN proof_key_thumbprint text,
  ADD COLUMN last_seen_at_ms bigint,
  ADD COLUMN origin_sealed text,
  ADD COLUMN trusted_until_ms bigint;
CREATE INDEX devices_unconfirmed ON ${s}.devices (created_at_ms) WHERE confirmed_at_ms IS NULL;
`;
