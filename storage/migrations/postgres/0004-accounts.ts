/** Verbs on accounts: each locks the user's row by changing it, and leaves its traces in the same transaction. */
export const accounts = (s: string): string => `
CREATE FUNCTION ${s}.create_user(
  p_id uuid, p_realm text, p_email text, p_email_key text, p_username text, p_username_key text, p_name text, p_first_name text,
  p_last_name text, p_display_name text, p_phone_sealed text, p_password_hash text, p_roles jsonb, p_permissions jsonb,
  p_data json, p_by ${s}.act_context
) RETURNS SETOF ${s}.users LANGUAGE plpgsql AS $$
DECLARE
  v_user ${s}.users;
BEGIN
  INSERT INTO ${s}.users (id, realm_id, email, email_key, username, username_key, name, first_name, last_name, display_name,
    phone_sealed, password_hash, roles, permissions, created_at_ms)
  VALUES (p_id, p_realm, p_email, p_email_key, p_username, p_username_key, p_name, p_first_name, p_last_name, p_display_name,
    p_phone_sealed, p_password_hash, p_roles, p_permissions, ${s}.now_ms())
  ON CONFLICT DO NOTHING RETURNING * INTO v_user;
  IF NOT FOUND THEN RETURN; END IF;
  PERFORM ${s}.append_effect('user.created', p_realm, p_id, NULL, p_data, p_by);
  RETURN NEXT v_user;
END $$;

-- The traces of a raised access epoch: the effect, and the entry that makes verifiers refuse older tokens.
CREATE FUNCTION ${s}.trace_epoch(
  p_user ${s}.users, p_act text, p_cause text, p_session uuid, p_data json, p_by ${s}.act_context, p_lifetime_ms bigint
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM ${s}.append_effect(p_act, p_user.realm_id, p_user.id, p_session, p_data, p_by);
  PERFORM ${s}.append_revocation(p_user.realm_id, 'user', p_user.id::text, p_user.access_epoch, p_cause, p_lifetime_ms);
END $$;

CREATE FUNCTION ${s}.change_password(
  p_id uuid, p_expected text, p_new text, p_session uuid, p_by ${s}.act_context, p_lifetime_ms bigint
) RETURNS SETOF ${s}.users LANGUAGE plpgsql AS $$
DECLARE
  v_user ${s}.users;
BEGIN
  UPDATE ${s}.users SET password_hash = p_new, session_epoch = session_epoch + 1, access_epoch = access_epoch + 1
  WHERE id = p_id AND password_hash = p_expected AND deleted_at_ms IS NULL AND disabled_at_ms IS NULL RETURNING * INTO v_user;
  IF NOT FOUND THEN RETURN; END IF;
  PERFORM ${s}.trace_epoch(v_user, 'password.changed', 'password_changed', p_session, NULL, p_by, p_lifetime_ms);
  RETURN NEXT v_user;
END $$;

CREATE FUNCTION ${s}.end_all_sessions(
  p_id uuid, p_by ${s}.act_context, p_lifetime_ms bigint
) RETURNS SETOF ${s}.users LANGUAGE plpgsql AS $$
DECLARE
  v_user ${s}.users;
BEGIN
  UPDATE ${s}.users SET session_epoch = session_epoch + 1, access_epoch = access_epoch + 1
  WHERE id = p_id AND deleted_at_ms IS NULL RETURNING * INTO v_user;
  IF NOT FOUND THEN RETURN; END IF;
  PERFORM ${s}.trace_epoch(v_user, 'user.sessions_ended', 'logout_all', NULL, NULL, p_by, p_lifetime_ms);
  RETURN NEXT v_user;
END $$;

CREATE FUNCTION ${s}.disable_user(
  p_id uuid, p_by ${s}.act_context, p_lifetime_ms bigint
) RETURNS SETOF ${s}.users LANGUAGE plpgsql AS $$
DECLARE
  v_user ${s}.users;
BEGIN
  UPDATE ${s}.users SET disabled_at_ms = ${s}.now_ms(), session_epoch = session_epoch + 1, access_epoch = access_epoch + 1
  WHERE id = p_id AND deleted_at_ms IS NULL AND disabled_at_ms IS NULL RETURNING * INTO v_user;
  IF FOUND THEN
    PERFORM ${s}.trace_epoch(v_user, 'user.disabled', 'disabled', NULL, NULL, p_by, p_lifetime_ms);
    RETURN NEXT v_user;
  ELSE
    RETURN QUERY SELECT * FROM ${s}.users WHERE id = p_id;
  END IF;
END $$;

CREATE FUNCTION ${s}.enable_user(p_id uuid, p_by ${s}.act_context) RETURNS SETOF ${s}.users LANGUAGE plpgsql AS $$
DECLARE
  v_user ${s}.users;
BEGIN
  UPDATE ${s}.users SET disabled_at_ms = NULL
  WHERE id = p_id AND deleted_at_ms IS NULL AND disabled_at_ms IS NOT NULL RETURNING * INTO v_user;
  IF FOUND THEN
    PERFORM ${s}.append_effect('user.enabled', v_user.realm_id, p_id, NULL, NULL, p_by);
    RETURN NEXT v_user;
  ELSE
    RETURN QUERY SELECT * FROM ${s}.users WHERE id = p_id;
  END IF;
END $$;

CREATE FUNCTION ${s}.set_user_roles(
  p_id uuid, p_roles jsonb, p_permissions jsonb, p_by ${s}.act_context, p_lifetime_ms bigint
) RETURNS SETOF ${s}.users LANGUAGE plpgsql AS $$
DECLARE
  v_user ${s}.users;
BEGIN
  UPDATE ${s}.users SET roles = p_roles, permissions = p_permissions, access_epoch = access_epoch + 1
  WHERE id = p_id AND deleted_at_ms IS NULL RETURNING * INTO v_user;
  IF NOT FOUND THEN RETURN; END IF;
  PERFORM ${s}.trace_epoch(v_user, 'user.roles_changed', 'roles_changed', NULL,
    json_build_object('roles', p_roles, 'permissions', p_permissions), p_by, p_lifetime_ms);
  RETURN NEXT v_user;
END $$;

CREATE FUNCTION ${s}.delete_user(
  p_id uuid, p_by ${s}.act_context, p_lifetime_ms bigint
) RETURNS SETOF ${s}.users LANGUAGE plpgsql AS $$
DECLARE
  v_user ${s}.users;
BEGIN
  UPDATE ${s}.users SET deleted_at_ms = ${s}.now_ms(), session_epoch = session_epoch + 1, access_epoch = access_epoch + 1
  WHERE id = p_id AND deleted_at_ms IS NULL RETURNING * INTO v_user;
  IF FOUND THEN
    PERFORM ${s}.trace_epoch(v_user, 'user.deleted', 'deleted', NULL, NULL, p_by, p_lifetime_ms);
    RETURN NEXT v_user;
  ELSE
    RETURN QUERY SELECT * FROM ${s}.users WHERE id = p_id;
  END IF;
END $$;

CREATE FUNCTION ${s}.ensure_current_key(
  p_kid text, p_realm text, p_algorithm text, p_public_jwk text, p_private_key_sealed text, p_by ${s}.act_context
) RETURNS SETOF ${s}.signing_keys LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO ${s}.signing_keys (kid, realm_id, algorithm, public_jwk, private_key_sealed, state, created_at_ms)
  VALUES (p_kid, p_realm, p_algorithm, p_public_jwk, p_private_key_sealed, 'current', ${s}.now_ms())
  ON CONFLICT DO NOTHING;
  IF FOUND THEN
    PERFORM ${s}.append_effect('key.added', p_realm, NULL, NULL,
      json_build_object('kid', p_kid, 'algorithm', p_algorithm), p_by);
  END IF;
  RETURN QUERY SELECT * FROM ${s}.signing_keys k WHERE k.realm_id = p_realm AND k.algorithm = p_algorithm
  ORDER BY k.state = 'current' DESC, k.created_at_ms DESC, k.kid;
END $$;

CREATE FUNCTION ${s}.remove_key(
  p_realm text, p_kid text, p_by ${s}.act_context, p_lifetime_ms bigint
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  v_found boolean;
BEGIN
  DELETE FROM ${s}.signing_keys WHERE realm_id = p_realm AND kid = p_kid;
  v_found := FOUND;
  PERFORM ${s}.append_effect('key.removed', p_realm, NULL, NULL,
    json_build_object('kid', p_kid, 'fromRing', v_found), p_by);
  PERFORM ${s}.append_revocation(p_realm, 'key', p_kid, NULL, 'key_removed', p_lifetime_ms);
  RETURN v_found;
END $$;

-- Of the users with the most ended sessions, until half of what may live does. Their rows are locked in the order of ids, before the
-- head of the revocations.
CREATE FUNCTION ${s}.tidy_revocations(
  p_max integer, p_lifetime_ms bigint, OUT expired integer, OUT folded integer, OUT users integer
) LANGUAGE plpgsql AS $$
DECLARE
  v_now bigint;
  v_live bigint;
  v_group record;
  v_user ${s}.users;
  v_ids uuid[] := '{}';
  v_positions bigint[] := '{}';
BEGIN
  PERFORM pg_advisory_xact_lock(${s}.lock_key('tidy', ''));
  v_now := ${s}.now_ms();
  folded := 0;
  users := 0;
  DELETE FROM ${s}.revocations WHERE position IN (
    SELECT r.position FROM ${s}.revocations r WHERE r.expires_at_ms <= v_now LIMIT 20000);
  GET DIAGNOSTICS expired = ROW_COUNT;
  SELECT count(*) INTO v_live FROM ${s}.revocations r WHERE r.expires_at_ms > v_now;
  IF v_live <= p_max THEN RETURN; END IF;
  FOR v_group IN
    SELECT e.user_id, array_agg(r.position) AS positions, count(*) AS entries
    FROM (
      SELECT position, subject FROM ${s}.revocations
      WHERE kind = 'session' AND expires_at_ms > v_now ORDER BY position LIMIT 20000) r
    JOIN ${s}.sessions e ON e.id = r.subject::uuid
    JOIN ${s}.users u ON u.id = e.user_id
    GROUP BY e.user_id HAVING count(*) > 1
    ORDER BY count(*) DESC, e.user_id
  LOOP
    EXIT WHEN v_live <= p_max / 2.0;
    v_ids := v_ids || v_group.user_id;
    v_positions := v_positions || v_group.positions;
    v_live := v_live - v_group.entries + 1;
    folded := folded + v_group.entries;
    users := users + 1;
  END LOOP;
  PERFORM 1 FROM ${s}.users u WHERE u.id = ANY (v_ids) ORDER BY u.id FOR UPDATE;
  DELETE FROM ${s}.revocations WHERE position = ANY (v_positions);
  FOR i IN 1 .. cardinality(v_ids) LOOP
    UPDATE ${s}.users u SET access_epoch = access_epoch + 1 WHERE u.id = v_ids[i] RETURNING * INTO v_user;
    PERFORM ${s}.append_revocation(v_user.realm_id, 'user', v_user.id::text, v_user.access_epoch, 'folded', p_lifetime_ms);
  END LOOP;
END $$;
`;
