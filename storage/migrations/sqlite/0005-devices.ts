/** Devices that log in: what they have to answer at first, a second key that sessions are bound to, when and whence they were last seen. */
export const devices = `
ALTER TABLE devices ADD COLUMN challenge BLOB;
ALTER TABLE devices ADD COLUMN proof_key_thumbprint TEXT;
ALTER TABLE devices ADD COLUMN last_seen_at_ms INTEGER;
ALTER TABLE devices ADD COLUMN origin_sealed TEXT;
ALTER TABLE devices ADD COLUMN trusted_until_ms INTEGER;
CREATE INDEX devices_unconfirmed ON devices (created_at_ms) WHERE confirmed_at_ms IS NULL;
`;
