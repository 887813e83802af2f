/**
 * Taking away what has had its time, and what is known of a person. Whoever moves effects on holds the lock of erasures together with
 * others, whoever erases holds it alone: what was read before an erasure arrives after it, and is stripped.
 */
export const housekeeping = (s: string): string => `
CREATE INDEX users_deleted_email ON ${s}.users (realm_id, email_key) WHERE deleted_at_ms IS NOT NULL AND email_key IS NOT NULL;
CREATE INDEX users_deleted_username ON ${s}.users (realm_id, username_key)
  WHERE deleted_at_ms IS NOT NULL AND username_key IS NOT NULL;
CREATE INDEX outbox_key ON ${s}.outbox (key);

-- JSON text without the members that name a person; the others as they were written.
CREATE FUNCTION ${s}.without_person(p_text text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT '{' || coalesce(string_agg(to_json(e.key)::text || ':' || e.value::text, ',' ORDER BY e.n), '') || '}'
  FROM json_each(p_text::json) WITH ORDINALITY AS e(key, value, n)
  WHERE e.key NOT IN ('email', 'name')
$$;

-- Every account that is not erased has an e-mail or a user name.
CREATE FUNCTION ${s}.is_erased(p_user text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (
    SELECT 1 FROM ${s}.users u
    WHERE u.id = CASE WHEN p_user ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN p_user::uuid END
      AND u.deleted_at_ms IS NOT NULL AND u.email IS NULL AND u.username IS NULL)
$$;

-- In the order of keys: two appenders of the same records never wait for each other in a ring.
CREATE FUNCTION ${s}.append_audit(p_records jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(${s}.lock_key('erasure', ''));
  INSERT INTO ${s}.audit (effect_id, realm_id, event_type, actor, user_id, session_id, address, user_agent, request_id,
    details, at_ms)
  SELECT r."effectId", r."realmId", r."eventType", r.actor, r."userId", r."sessionId",
    CASE WHEN NOT e.erased THEN r.address END, CASE WHEN NOT e.erased THEN r."userAgent" END, r."requestId",
    CASE WHEN e.erased THEN ${s}.without_person(r.details) ELSE r.details END, r."atMs"
  FROM jsonb_to_recordset(p_records) AS r("effectId" uuid, "realmId" text, "eventType" text, actor text, "userId" text,
    "sessionId" text, address text, "userAgent" text, "requestId" text, details text, "atMs" bigint)
  CROSS JOIN LATERAL (SELECT ${s}.is_erased(r."userId") AS erased OFFSET 0) e
  ORDER BY r."effectId"
  ON CONFLICT (effect_id) DO NOTHING;
END $$;

CREATE OR REPLACE FUNCTION ${s}.append_events(p_events jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_head bigint;
  v_count bigint;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(${s}.lock_key('erasure', ''));
  SELECT position INTO v_head FROM ${s}.outbox_head FOR UPDATE;
  INSERT INTO ${s}.outbox (position, effect_id, realm_id, type, version, key, data, at_ms)
  SELECT v_head + row_number() OVER (ORDER BY e.n), (e.v->>'effectId')::uuid, e.v->>'realmId', e.v->>'type',
    (e.v->>'version')::integer, e.v->>'key',
    CASE WHEN ${s}.is_erased(e.v->>'key') THEN ${s}.without_person(e.v->>'data') ELSE e.v->>'data' END, (e.v->>'atMs')::bigint
  FROM jsonb_array_elements(p_events) WITH ORDINALITY AS e(v, n)
  WHERE NOT EXISTS (SELECT 1 FROM ${s}.outbox o WHERE o.effect_id = (e.v->>'effectId')::uuid)
  ON CONFLICT (effect_id) DO NOTHING;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  IF v_count > 0 THEN
    -- The newest may have been removed for their age meanwhile: a position is never given again.
    UPDATE ${s}.outbox_head SET position = greatest(v_head, (SELECT max(position) FROM ${s}.outbox));
  END IF;
END $$;

-- Looks at some sessions behind one, in the order of their making: no index on expiries has to be kept at each rotation.
CREATE FUNCTION ${s}.remove_expired_sessions(
  p_after uuid, p_keep_ended_ms bigint, p_limit integer, OUT removed integer, OUT last uuid
) LANGUAGE plpgsql AS $$
DECLARE
  v_now bigint := ${s}.now_ms();
  v_seen uuid[];
BEGIN
  v_seen := ARRAY(
    SELECT e.id FROM ${s}.sessions e WHERE p_after IS NULL OR e.id > p_after ORDER BY e.id LIMIT p_limit);
  DELETE FROM ${s}.sessions WHERE id IN (
    SELECT e.id FROM ${s}.sessions e
    WHERE e.id = ANY (v_seen) AND e.idle_expires_at_ms <= v_now
      AND (e.revoked_at_ms IS NULL OR e.revoked_at_ms <= v_now - p_keep_ended_ms)
    ORDER BY e.id FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS removed = ROW_COUNT;
  IF cardinality(v_seen) >= p_limit THEN last := v_seen[cardinality(v_seen)]; END IF;
END $$;

-- Sessions first: a rotation under way is waited for, and its effect is seen by what follows.
CREATE FUNCTION ${s}.erase_user(p_id uuid, p_by ${s}.act_context) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_user ${s}.users;
BEGIN
  PERFORM pg_advisory_xact_lock(${s}.lock_key('erasure', ''));
  SELECT * INTO v_user FROM ${s}.users WHERE id = p_id FOR UPDATE;
  IF NOT FOUND THEN RETURN 'unknown'; END IF;
  IF v_user.deleted_at_ms IS NULL THEN RETURN 'live'; END IF;
  UPDATE ${s}.users SET email = NULL, email_key = NULL, username = NULL, username_key = NULL, name = NULL, first_name = NULL,
    last_name = NULL, display_name = NULL, phone_sealed = NULL, avatar_url = NULL, password_hash = NULL
  WHERE id = p_id;
  DELETE FROM ${s}.sessions WHERE user_id = p_id;
  DELETE FROM ${s}.devices WHERE user_id = p_id;
  UPDATE ${s}.effects SET address = NULL, user_agent = NULL, data = ${s}.without_person(data::text)::json WHERE user_id = p_id;
  UPDATE ${s}.audit SET address = NULL, user_agent = NULL, details = ${s}.without_person(details) WHERE user_id = p_id::text;
  UPDATE ${s}.outbox SET data = ${s}.without_person(data) WHERE key = p_id::text;
  IF v_user.email IS NOT NULL OR v_user.username IS NOT NULL THEN
    PERFORM ${s}.append_effect('user.erased', v_user.realm_id, p_id, NULL, NULL, p_by);
  END IF;
  RETURN 'erased';
END $$;
`;
