/** The cleanup finds devices that were revoked long ago. */
export const deadDevices = `
CREATE INDEX devices_revoked ON devices (revoked_at_ms) WHERE revoked_at_ms IS NOT NULL;
`;
