/** When keys sign and until when they verify; a retired key of before, of which none was ever made, verifies for a month. */
export const keyRotation = `
ALTER TABLE signing_keys ADD COLUMN signs_from_ms INTEGER;
ALTER TABLE signing_keys ADD COLUMN verifies_until_ms INTEGER;
UPDATE signing_keys SET signs_from_ms = created_at_ms;
CREATE UNIQUE INDEX signing_keys_next ON signing_keys (realm_id, algorithm) WHERE state = 'next';
`;
