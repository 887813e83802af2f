/** Verbs on sessions that read and write: one round trip each, and every statement of a function sees what was committed before it. */
export const sessions = (s: string): string => `
CREATE FUNCTION ${s}.create_session(
  p_id uuid, p_format integer, p_realm text, p_user uuid, p_device uuid, p_client text, p_scope text, p_audience text,
  p_amr jsonb, p_acr text, p_epoch integer, p_key_id integer, p_salt bytea, p_token_hash bytea, p_hash_key_id text,
  p_rotation_id bytea, p_idle_ttl_ms bigint, p_absolute_ttl_ms bigint, p_thumbprint text, p_proof_required boolean,
  p_origin_sealed text, p_label text, p_max_per_user integer, p_max_per_device integer, p_lifetime_ms bigint,
  p_by ${s}.act_context
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_now bigint;
  v_ended record;
  v_rows uuid[] := '{}';
  v_causes text[] := '{}';
BEGIN
  -- Two logins of one user would not see each other's session, and both keep as many as one may have.
  IF p_max_per_user > 0 OR (p_device IS NOT NULL AND p_max_per_device > 0) THEN
    PERFORM pg_advisory_xact_lock(${s}.lock_key('user', p_user::text));
  END IF;
  v_now := ${s}.now_ms();
  INSERT INTO ${s}.sessions (id, format, realm_id, user_id, device_id, client_id, scope, audience, created_at_ms, auth_time_ms,
    amr, acr, session_epoch, generation, key_id, salt, token_hash, hash_key_id, rotated_at_ms, rotation_id, idle_expires_at_ms,
    absolute_expires_at_ms, bound_key_thumbprint, proof_required, last_seen_at_ms, origin_sealed, label)
  VALUES (p_id, p_format, p_realm, p_user, p_device, p_client, p_scope, p_audience, v_now, v_now,
    p_amr, p_acr, p_epoch, 0, p_key_id, p_salt, p_token_hash, p_hash_key_id, v_now, p_rotation_id,
    least(v_now + p_idle_ttl_ms, v_now + p_absolute_ttl_ms), v_now + p_absolute_ttl_ms, p_thumbprint, p_proof_required, v_now,
    p_origin_sealed, p_label);
  PERFORM ${s}.append_effect('session.started', p_realm, p_user, p_id, json_build_object('amr', p_amr), p_by);

  -- Keeps the new session and the newest others. What has expired goes first: it is nobody's session any more. All rows are locked
  -- before the first trace takes the head of the revocations.
  IF p_device IS NOT NULL AND p_max_per_device > 0 THEN
    FOR v_ended IN
      UPDATE ${s}.sessions SET revoked_at_ms = v_now, revoked_cause = 'replaced' WHERE revoked_at_ms IS NULL AND id IN (
        SELECT id FROM ${s}.sessions WHERE device_id = p_device AND revoked_at_ms IS NULL AND id <> p_id
        ORDER BY least(idle_expires_at_ms, absolute_expires_at_ms) > v_now DESC, created_at_ms DESC, id DESC
        OFFSET p_max_per_device - 1)
      RETURNING id
    LOOP
      v_rows := v_rows || v_ended.id;
      v_causes := v_causes || 'replaced'::text;
    END LOOP;
  END IF;
  IF p_max_per_user > 0 THEN
    FOR v_ended IN
      UPDATE ${s}.sessions SET revoked_at_ms = v_now, revoked_cause = 'evicted' WHERE revoked_at_ms IS NULL AND id IN (
        SELECT id FROM ${s}.sessions WHERE user_id = p_user AND revoked_at_ms IS NULL AND id <> p_id
        ORDER BY least(idle_expires_at_ms, absolute_expires_at_ms) > v_now DESC, created_at_ms DESC, id DESC
        OFFSET p_max_per_user - 1)
      RETURNING id
    LOOP
      v_rows := v_rows || v_ended.id;
      v_causes := v_causes || 'evicted'::text;
    END LOOP;
  END IF;
  FOR i IN 1 .. cardinality(v_rows) LOOP
    PERFORM ${s}.trace_end(e.realm_id, e.user_id, e.id, v_causes[i], p_by, p_lifetime_ms)
    FROM ${s}.sessions e WHERE e.id = v_rows[i];
  END LOOP;
  RETURN v_now;
END $$;

-- The condition is asked again, with a new time, where another's commit was waited for. Whoever loses writes nothing, waits for no
-- disk, and gets the row as it is then: a statement of its own sees what the winner has committed.
CREATE FUNCTION ${s}.rotate_session(
  p_id uuid, p_expected bigint, p_new bigint, p_key_id integer, p_token_hash bytea, p_hash_key_id text, p_rotation_id bytea,
  p_new_salt bytea, p_attempt bytea, p_idle_ttl_ms bigint, p_origin_sealed text, p_by ${s}.act_context,
  OUT won boolean, OUT now_ms bigint, OUT epoch integer, OUT session ${s}.sessions
) LANGUAGE plpgsql AS $$
DECLARE
  v_realm text;
  v_user uuid;
BEGIN
  UPDATE ${s}.sessions AS r SET generation = p_new, key_id = p_key_id, token_hash = p_token_hash, hash_key_id = p_hash_key_id,
    rotated_at_ms = ${s}.now_ms(), rotation_id = p_rotation_id, salt = coalesce(p_new_salt, r.salt), winner_attempt = p_attempt,
    loser_attempts = NULL, idle_expires_at_ms = least(${s}.now_ms() + p_idle_ttl_ms, r.absolute_expires_at_ms),
    last_seen_at_ms = CASE WHEN ${s}.now_ms() - r.last_seen_at_ms >= 60000 THEN ${s}.now_ms() ELSE r.last_seen_at_ms END,
    origin_sealed = coalesce(p_origin_sealed, r.origin_sealed)
  WHERE r.id = p_id AND r.generation = p_expected AND r.revoked_at_ms IS NULL
    AND r.idle_expires_at_ms > ${s}.now_ms() AND r.absolute_expires_at_ms > ${s}.now_ms()
  RETURNING r.rotated_at_ms, r.session_epoch, r.realm_id, r.user_id INTO now_ms, epoch, v_realm, v_user;
  IF FOUND THEN
    won := true;
    PERFORM ${s}.append_effect(
      CASE WHEN p_new > p_expected + 1 THEN 'session.adopted_ahead' ELSE 'session.refreshed' END,
      v_realm, v_user, p_id, NULL, p_by);
    RETURN;
  END IF;
  won := false;
  SELECT * INTO session FROM ${s}.sessions AS r WHERE r.id = p_id;
  now_ms := ${s}.now_ms();
END $$;

CREATE FUNCTION ${s}.keep_session(
  p_id uuid, p_generation bigint, p_origin_sealed text, p_by ${s}.act_context, OUT kept boolean, OUT now_ms bigint
) LANGUAGE plpgsql AS $$
DECLARE
  v_row ${s}.sessions;
BEGIN
  SELECT * INTO v_row FROM ${s}.sessions AS r
  WHERE r.id = p_id AND r.generation = p_generation AND r.revoked_at_ms IS NULL
    AND r.idle_expires_at_ms > ${s}.now_ms() AND r.absolute_expires_at_ms > ${s}.now_ms()
  FOR UPDATE;
  kept := FOUND;
  now_ms := ${s}.now_ms();
  IF NOT kept THEN RETURN; END IF;
  IF now_ms - v_row.last_seen_at_ms >= 60000 THEN
    UPDATE ${s}.sessions AS r SET last_seen_at_ms = now_ms, origin_sealed = coalesce(p_origin_sealed, r.origin_sealed)
    WHERE r.id = p_id;
  END IF;
  PERFORM ${s}.append_effect('session.refreshed', v_row.realm_id, v_row.user_id, p_id, NULL, p_by);
END $$;

CREATE FUNCTION ${s}.end_sessions_of_user(
  p_user uuid, p_except uuid, p_cause text, p_by ${s}.act_context, p_lifetime_ms bigint
) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  v_ended record;
  v_rows ${s}.sessions[] := '{}';
BEGIN
  PERFORM pg_advisory_xact_lock(${s}.lock_key('user', p_user::text));
  FOR v_ended IN
    UPDATE ${s}.sessions AS r SET revoked_at_ms = ${s}.now_ms(), revoked_cause = p_cause
    WHERE r.user_id = p_user AND r.revoked_at_ms IS NULL AND (p_except IS NULL OR r.id <> p_except)
    RETURNING r AS session
  LOOP
    v_rows := v_rows || v_ended.session;
  END LOOP;
  FOR i IN 1 .. cardinality(v_rows) LOOP
    PERFORM ${s}.trace_end(v_rows[i].realm_id, v_rows[i].user_id, v_rows[i].id, p_cause, p_by, p_lifetime_ms);
  END LOOP;
  RETURN cardinality(v_rows);
END $$;
`;
