/**
 * The cleanup finds devices that were revoked long ago, and a user has no more devices than may be. The row of the user is locked first: whoever
 * waits for it counts by a snapshot taken after the wait, since each statement of a volatile function has one of its own.
 */
export const deadDevices = (s: string): string => `
CREATE INDEX devices_revoked ON ${s}.devices (revoked_at_ms) WHERE revoked_at_ms IS NOT NULL;

CREATE FUNCTION ${s}.has_room_for_device(owner uuid, max_per_user integer, pending_ms bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  found_devices integer;
BEGIN
  IF max_per_user = 0 THEN
    RETURN true;
  END IF;
  PERFORM 1 FROM ${s}.users WHERE id = owner FOR UPDATE;
  SELECT count(*) INTO found_devices FROM ${s}.devices
    WHERE user_id = owner AND revoked_at_ms IS NULL
      AND (confirmed_at_ms IS NOT NULL OR created_at_ms > ${s}.now_ms() - pending_ms);
  RETURN found_devices < max_per_user;
END $$;
`;
