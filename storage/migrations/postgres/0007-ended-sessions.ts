/**
 * Ends of sessions whose rows another store keeps, what is known of that store, and effects that go exactly as they were read: those of
 * two stores have no common position.
 */
export const endedSessions = (s: string): string => `
CREATE TABLE ${s}.ended_sessions (
  session_id uuid PRIMARY KEY,
  realm_id text NOT NULL,
  user_id uuid,
  cause text NOT NULL,
  at_ms bigint NOT NULL,
  keep_until_ms bigint NOT NULL
);
CREATE INDEX ended_sessions_expiry ON ${s}.ended_sessions (keep_until_ms);

-- In the order of ids, and all rows before the first trace takes the head of the revocations.
CREATE FUNCTION ${s}.record_session_ends(
  p_ends jsonb, p_by ${s}.act_context, p_lifetime_ms bigint
) RETURNS SETOF uuid LANGUAGE plpgsql AS $$
DECLARE
  v_end record;
  v_recorded ${s}.ended_sessions[] := '{}';
  v_row ${s}.ended_sessions;
BEGIN
  FOR v_end IN
    SELECT * FROM jsonb_to_recordset(p_ends)
      AS e("sessionId" uuid, "realmId" text, "userId" uuid, cause text, "keepUntilMs" bigint)
    ORDER BY e."sessionId"
  LOOP
    INSERT INTO ${s}.ended_sessions (session_id, realm_id, user_id, cause, at_ms, keep_until_ms)
    VALUES (v_end."sessionId", v_end."realmId", v_end."userId", v_end.cause, ${s}.now_ms(), v_end."keepUntilMs")
    ON CONFLICT DO NOTHING RETURNING * INTO v_row;
    CONTINUE WHEN NOT FOUND;
    v_recorded := v_recorded || v_row;
    -- A row of the time before sessions moved to the other store: it must not live again if they come back.
    UPDATE ${s}.sessions SET revoked_at_ms = v_row.at_ms, revoked_cause = v_row.cause
    WHERE id = v_row.session_id AND revoked_at_ms IS NULL;
  END LOOP;
  FOREACH v_row IN ARRAY v_recorded LOOP
    PERFORM ${s}.trace_end(v_row.realm_id, v_row.user_id, v_row.session_id, v_row.cause, p_by, p_lifetime_ms);
    RETURN NEXT v_row.session_id;
  END LOOP;
END $$;

-- Of N callers with a new one the first is told of the one before.
CREATE FUNCTION ${s}.note_incarnation(p_companion text, p_incarnation text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_before text;
BEGIN
  INSERT INTO ${s}.store_meta (key, value) VALUES ('companion:' || p_companion, p_incarnation) ON CONFLICT DO NOTHING;
  IF FOUND THEN RETURN NULL; END IF;
  SELECT value INTO v_before FROM ${s}.store_meta WHERE key = 'companion:' || p_companion FOR UPDATE;
  IF v_before = p_incarnation THEN RETURN NULL; END IF;
  UPDATE ${s}.store_meta SET value = p_incarnation WHERE key = 'companion:' || p_companion;
  RETURN v_before;
END $$;

-- p_drained: [xid, seq] of each. Where nothing is left in front of the last of them, reading begins behind it from now on.
CREATE FUNCTION ${s}.remove_effects(p_drained jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_trimmed ${s}.effects_trimmed;
  v_last record;
  v_count bigint;
BEGIN
  SELECT * INTO v_trimmed FROM ${s}.effects_trimmed FOR UPDATE;
  DELETE FROM ${s}.effects e USING jsonb_array_elements(p_drained) d
  WHERE e.xid = (d->>0)::xid8 AND e.seq = (d->>1)::bigint;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  SELECT (d->>0)::xid8 AS xid, (d->>1)::bigint AS seq INTO v_last
  FROM jsonb_array_elements(p_drained) d ORDER BY 1 DESC, 2 DESC LIMIT 1;
  IF v_last IS NULL OR (v_last.xid, v_last.seq) <= (v_trimmed.xid, v_trimmed.seq) OR EXISTS (
    SELECT 1 FROM ${s}.effects WHERE (xid, seq) > (v_trimmed.xid, v_trimmed.seq) AND (xid, seq) <= (v_last.xid, v_last.seq)
  ) THEN
    RETURN;
  END IF;
  UPDATE ${s}.effects_trimmed SET position = position + v_count, xid = v_last.xid, seq = v_last.seq;
END $$;

CREATE OR REPLACE FUNCTION ${s}.tidy_revocations(
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
  DELETE FROM ${s}.ended_sessions WHERE session_id IN (
    SELECT d.session_id FROM ${s}.ended_sessions d WHERE d.keep_until_ms <= v_now LIMIT 20000);
  SELECT count(*) INTO v_live FROM ${s}.revocations r WHERE r.expires_at_ms > v_now;
  IF v_live <= p_max THEN RETURN; END IF;
  FOR v_group IN
    SELECT e.id AS user_id, array_agg(r.position) AS positions, count(*) AS entries
    FROM (
      SELECT position, subject FROM ${s}.revocations
      WHERE kind = 'session' AND expires_at_ms > v_now ORDER BY position LIMIT 20000) r
    LEFT JOIN ${s}.sessions own ON own.id = r.subject::uuid
    LEFT JOIN ${s}.ended_sessions elsewhere ON elsewhere.session_id = r.subject::uuid
    JOIN ${s}.users e ON e.id = coalesce(own.user_id, elsewhere.user_id)
    GROUP BY e.id HAVING count(*) > 1
    ORDER BY count(*) DESC, e.id
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
