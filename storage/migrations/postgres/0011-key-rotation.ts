/** When keys sign and until when they verify. What changes a ring waits for whoever changes it already. */
export const keyRotation = (s: string): string => `
ALTER TABLE ${s}.signing_keys
  ADD COLUMN signs_from_ms bigint,
  ADD COLUMN verifies_until_ms bigint;
UPDATE ${s}.signing_keys SET signs_from_ms = created_at_ms;
CREATE UNIQUE INDEX signing_keys_next ON ${s}.signing_keys (realm_id, algorithm) WHERE state = 'next';

CREATE FUNCTION ${s}.ensure_next_key(
  p_kid text, p_realm text, p_algorithm text, p_public_jwk text, p_private_key_sealed text, p_publish_for_ms bigint,
  p_by ${s}.act_context
) RETURNS SETOF ${s}.signing_keys LANGUAGE plpgsql AS $$
DECLARE
  v_now bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(${s}.lock_key('ring', p_realm || p_algorithm));
  v_now := ${s}.now_ms();
  INSERT INTO ${s}.signing_keys
    (kid, realm_id, algorithm, public_jwk, private_key_sealed, state, created_at_ms, signs_from_ms)
  SELECT p_kid, p_realm, p_algorithm, p_public_jwk, p_private_key_sealed, 'next', v_now, v_now + p_publish_for_ms
  WHERE EXISTS (
    SELECT 1 FROM ${s}.signing_keys WHERE realm_id = p_realm AND algorithm = p_algorithm AND state = 'current'
  )
  ON CONFLICT DO NOTHING;
  IF FOUND THEN
    PERFORM ${s}.append_effect('key.added', p_realm, NULL, NULL,
      json_build_object('kid', p_kid, 'algorithm', p_algorithm), p_by);
  END IF;
  RETURN QUERY SELECT * FROM ${s}.signing_keys k WHERE k.realm_id = p_realm AND k.algorithm = p_algorithm
  ORDER BY k.state = 'current' DESC, k.created_at_ms DESC, k.kid;
END $$;

CREATE FUNCTION ${s}.advance_ring(
  p_realm text, p_algorithm text, p_verify_for_ms bigint, p_by ${s}.act_context
) RETURNS SETOF ${s}.signing_keys LANGUAGE plpgsql AS $$
DECLARE
  v_now bigint;
  v_over text;
  v_current text;
  v_next ${s}.signing_keys;
BEGIN
  PERFORM pg_advisory_xact_lock(${s}.lock_key('ring', p_realm || p_algorithm));
  v_now := ${s}.now_ms();
  FOR v_over IN
    DELETE FROM ${s}.signing_keys
    WHERE realm_id = p_realm AND algorithm = p_algorithm AND state = 'retired' AND verifies_until_ms <= v_now RETURNING kid
  LOOP
    PERFORM ${s}.append_effect('key.expired', p_realm, NULL, NULL, json_build_object('kid', v_over), p_by);
  END LOOP;
  SELECT kid INTO v_current FROM ${s}.signing_keys
  WHERE realm_id = p_realm AND algorithm = p_algorithm AND state = 'current';
  SELECT * INTO v_next FROM ${s}.signing_keys
  WHERE realm_id = p_realm AND algorithm = p_algorithm AND state = 'next';
  IF v_next.kid IS NOT NULL AND (v_current IS NULL OR v_next.signs_from_ms <= v_now) THEN
    UPDATE ${s}.signing_keys SET state = 'retired', verifies_until_ms = v_now + p_verify_for_ms WHERE kid = v_current;
    UPDATE ${s}.signing_keys SET state = 'current', signs_from_ms = v_now WHERE kid = v_next.kid;
    PERFORM ${s}.append_effect('key.rotated', p_realm, NULL, NULL, json_strip_nulls(json_build_object(
      'kid', v_next.kid, 'algorithm', p_algorithm, 'previousKid', v_current)), p_by);
  END IF;
  RETURN QUERY SELECT * FROM ${s}.signing_keys k WHERE k.realm_id = p_realm AND k.algorithm = p_algorithm
  ORDER BY k.state = 'current' DESC, k.created_at_ms DESC, k.kid;
END $$;

CREATE FUNCTION ${s}.withdraw_key(p_realm text, p_kid text, p_by ${s}.act_context) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_state text;
BEGIN
  SELECT state INTO v_state FROM ${s}.signing_keys WHERE realm_id = p_realm AND kid = p_kid FOR UPDATE;
  IF v_state IS NULL THEN RETURN 'unknown'; END IF;
  IF v_state = 'current' THEN RETURN 'current'; END IF;
  DELETE FROM ${s}.signing_keys WHERE realm_id = p_realm AND kid = p_kid;
  PERFORM ${s}.append_effect('key.withdrawn', p_realm, NULL, NULL, json_build_object('kid', p_kid), p_by);
  RETURN 'withdrawn';
END $$;
`;
