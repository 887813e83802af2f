/**
 * The store's clock, its locks, and the traces that a change leaves in its own transaction: effects and revocation entries. Locks are
 * always taken in one order, so that no two verbs wait for each other: advisory lock, rows of users and sessions, head of a list.
 */
export const traces = (s: string): string => `
-- sallyport.clock_offset_ms moves the clock in tests; a server refuses a connection on which it is set.
CREATE FUNCTION ${s}.now_ms() RETURNS bigint LANGUAGE sql VOLATILE AS $$
  SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint
    + coalesce(nullif(current_setting('sallyport.clock_offset_ms', true), '')::bigint, 0)
$$;

-- RFC 9562 §5.7 from a version 4: the time in the first 48 bits, then the two bits that make 4 a 7.
CREATE FUNCTION ${s}.uuid_v7(p_now bigint) RETURNS uuid LANGUAGE sql VOLATILE AS $$
  SELECT encode(set_bit(set_bit(
    overlay(uuid_send(gen_random_uuid()) PLACING substring(int8send(p_now) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid
$$;

CREATE FUNCTION ${s}.lock_key(p_kind text, p_subject text) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT hashtextextended('${s.replaceAll('"', '')}' || chr(31) || p_kind || chr(31) || p_subject, 0)
$$;

CREATE TYPE ${s}.act_context AS (actor text, request_id text, address text, user_agent text);

CREATE FUNCTION ${s}.append_effect(
  p_act text, p_realm text, p_user uuid, p_session uuid, p_data json, p_by ${s}.act_context
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_now bigint := ${s}.now_ms();
BEGIN
  INSERT INTO ${s}.effects (id, version, realm_id, act, at_ms, user_id, session_id, actor, request_id, address, user_agent, data)
  VALUES (${s}.uuid_v7(v_now), 1, p_realm, p_act, v_now, p_user, p_session,
    p_by.actor, p_by.request_id, p_by.address, p_by.user_agent, p_data);
END $$;

CREATE FUNCTION ${s}.append_effects(p_drafts jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  d jsonb;
BEGIN
  FOR d IN SELECT value FROM jsonb_array_elements(p_drafts) LOOP
    PERFORM ${s}.append_effect(d->>'act', d->>'realmId', (d->>'userId')::uuid, (d->>'sessionId')::uuid, (d->'data')::json,
      ROW(d->>'actor', d->>'requestId', d->>'address', d->>'userAgent')::${s}.act_context);
  END LOOP;
END $$;

-- Removes the first effects that are readable, as many as lead up to the position.
CREATE FUNCTION ${s}.trim_effects(p_position bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_trimmed ${s}.effects_trimmed;
  v_last record;
  v_count bigint;
BEGIN
  SELECT * INTO v_trimmed FROM ${s}.effects_trimmed FOR UPDATE;
  IF p_position <= v_trimmed.position THEN RETURN; END IF;
  SELECT max(t.n) AS n, (array_agg(t.xid ORDER BY t.n DESC))[1] AS xid, (array_agg(t.seq ORDER BY t.n DESC))[1] AS seq
  INTO v_last
  FROM (
    SELECT xid, seq, row_number() OVER () AS n FROM (
      SELECT xid, seq FROM ${s}.effects
      WHERE (xid, seq) > (v_trimmed.xid, v_trimmed.seq) AND xid < pg_snapshot_xmin(pg_current_snapshot())
      ORDER BY xid, seq LIMIT p_position - v_trimmed.position) first
  ) t;
  IF v_last.n IS NULL THEN RETURN; END IF;
  DELETE FROM ${s}.effects
  WHERE (xid, seq) > (v_trimmed.xid, v_trimmed.seq) AND (xid, seq) <= (v_last.xid, v_last.seq);
  GET DIAGNOSTICS v_count = ROW_COUNT;
  UPDATE ${s}.effects_trimmed SET position = position + v_count, xid = v_last.xid, seq = v_last.seq;
END $$;

-- Only what writes a revocation notifies: a commit with a notification takes a lock that the whole cluster shares.
CREATE FUNCTION ${s}.append_revocation(
  p_realm text, p_kind text, p_subject text, p_epoch integer, p_cause text, p_lifetime_ms bigint
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_position bigint;
  v_now bigint;
BEGIN
  UPDATE ${s}.revocation_head SET position = position + 1 RETURNING position INTO v_position;
  v_now := ${s}.now_ms();
  INSERT INTO ${s}.revocations (position, realm_id, kind, subject, minimum_epoch, cause, at_ms, expires_at_ms)
  VALUES (v_position, p_realm, p_kind, p_subject, p_epoch, p_cause, v_now, v_now + p_lifetime_ms);
  PERFORM pg_notify('${s.replaceAll('"', '')}_revocations', '');
END $$;

-- Every end of a session goes through here: the row has just been marked, its effect and its revocation entry follow.
CREATE FUNCTION ${s}.trace_end(
  p_realm text, p_user uuid, p_session uuid, p_cause text, p_by ${s}.act_context, p_lifetime_ms bigint
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM ${s}.append_effect(
    CASE WHEN p_cause = 'reused' THEN 'refresh.reused' ELSE 'session.ended' END,
    p_realm, p_user, p_session, json_build_object('cause', p_cause), p_by);
  PERFORM ${s}.append_revocation(p_realm, 'session', p_session::text, NULL, p_cause, p_lifetime_ms);
END $$;

CREATE FUNCTION ${s}.append_events(p_events jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_head bigint;
  v_count bigint;
BEGIN
  SELECT position INTO v_head FROM ${s}.outbox_head FOR UPDATE;
  INSERT INTO ${s}.outbox (position, effect_id, realm_id, type, version, key, data, at_ms)
  SELECT v_head + row_number() OVER (ORDER BY e.n), (e.v->>'effectId')::uuid, e.v->>'realmId', e.v->>'type',
    (e.v->>'version')::integer, e.v->>'key', e.v->>'data', (e.v->>'atMs')::bigint
  FROM jsonb_array_elements(p_events) WITH ORDINALITY AS e(v, n)
  WHERE NOT EXISTS (SELECT 1 FROM ${s}.outbox o WHERE o.effect_id = (e.v->>'effectId')::uuid)
  ON CONFLICT (effect_id) DO NOTHING;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  IF v_count > 0 THEN
    UPDATE ${s}.outbox_head SET position = (SELECT max(position) FROM ${s}.outbox);
  END IF;
END $$;
`;
