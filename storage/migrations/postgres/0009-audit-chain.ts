/**
 * What the audit trail's chain needs, and what waits for another store of audit. Records arrive one collector at a time: numbers are given to
 * those that are new, and without a gap. Locks: erasure, collecting, head of the chain.
 */
export const auditChain = (s: string): string => `
ALTER TABLE ${s}.audit
  ADD COLUMN device_id text,
  ADD COLUMN node text,
  ADD COLUMN boot text,
  ADD COLUMN boot_number bigint,
  ADD COLUMN mac text,
  ADD COLUMN place bigint,
  ADD COLUMN hash text,
  ADD COLUMN person_hash text,
  ADD COLUMN person_salt text,
  ADD COLUMN delivered_at_ms bigint;
CREATE UNIQUE INDEX audit_place ON ${s}.audit (place) WHERE place IS NOT NULL;
CREATE INDEX audit_open ON ${s}.audit (effect_id) WHERE place IS NULL AND delivered_at_ms IS NULL;
-- Where the trail is kept apart from the accounts, this is how an erasure is known.
CREATE INDEX audit_erasures ON ${s}.audit (user_id) WHERE event_type = 'account_erased';
CREATE INDEX audit_delivered ON ${s}.audit (delivered_at_ms) WHERE delivered_at_ms IS NOT NULL;

CREATE TABLE ${s}.audit_chain (
  id integer PRIMARY KEY CHECK (id = 1),
  place bigint NOT NULL,
  hash text NOT NULL,
  lease_holder text,
  lease_until_ms bigint NOT NULL DEFAULT 0
);
INSERT INTO ${s}.audit_chain (id, place, hash) VALUES (1, 0, repeat('0', 64));

CREATE TABLE ${s}.audit_checkpoints (
  kind text NOT NULL CHECK (kind IN ('head', 'cut')),
  place bigint NOT NULL,
  hash text NOT NULL,
  at_ms bigint NOT NULL,
  key_id text NOT NULL,
  signature text NOT NULL,
  PRIMARY KEY (kind, place)
);

CREATE FUNCTION ${s}.is_erased_in_audit(p_user text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT ${s}.is_erased(p_user)
    OR EXISTS (SELECT 1 FROM ${s}.audit WHERE user_id = p_user AND event_type = 'account_erased')
$$;

-- In the order of keys: two appenders of the same records never wait for each other in a ring.
CREATE OR REPLACE FUNCTION ${s}.append_audit(p_records jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(${s}.lock_key('erasure', ''));
  INSERT INTO ${s}.audit (effect_id, realm_id, event_type, actor, user_id, session_id, device_id, address, user_agent, request_id,
    details, at_ms, node, boot, boot_number, mac, place, hash, person_hash, person_salt)
  SELECT r."effectId", r."realmId", r."eventType", r.actor, r."userId", r."sessionId", r."deviceId",
    CASE WHEN NOT e.erased THEN r.address END, CASE WHEN NOT e.erased THEN r."userAgent" END, r."requestId",
    CASE WHEN e.erased THEN ${s}.without_person(r.details) ELSE r.details END, r."atMs",
    r.origin->>'node', r.origin->>'boot', (r.origin->>'number')::bigint, r.mac,
    (r.seal->>'place')::bigint, r.seal->>'hash', r.seal->>'personHash', r.seal->>'personSalt'
  FROM jsonb_to_recordset(p_records) AS r("effectId" uuid, "realmId" text, "eventType" text, actor text, "userId" text,
    "sessionId" text, "deviceId" text, address text, "userAgent" text, "requestId" text, details text, "atMs" bigint,
    origin jsonb, mac text, seal jsonb)
  CROSS JOIN LATERAL (SELECT ${s}.is_erased_in_audit(r."userId") AS erased OFFSET 0) e
  ORDER BY r."effectId"
  ON CONFLICT (effect_id) DO NOTHING;
  UPDATE ${s}.audit a SET address = NULL, user_agent = NULL, person_salt = NULL, details = ${s}.without_person(a.details)
  FROM jsonb_to_recordset(p_records) AS r("userId" text, "eventType" text)
  WHERE r."eventType" = 'account_erased' AND a.user_id = r."userId"
    AND (a.address IS NOT NULL OR a.user_agent IS NOT NULL OR a.details <> ${s}.without_person(a.details));
END $$;

-- Records may have their seals: they keep them where all are new, of nobody who was erased, and the head of the chain is the expected one.
CREATE FUNCTION ${s}.collect_audit(
  p_records jsonb, p_node text, p_boot text, p_from bigint, p_place bigint, p_hash text, OUT fresh bigint, OUT sealed boolean
) LANGUAGE plpgsql AS $$
DECLARE
  v_fresh jsonb;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(${s}.lock_key('erasure', ''));
  PERFORM pg_advisory_xact_lock(${s}.lock_key('audit', ''));
  SELECT coalesce(jsonb_agg(f.v || jsonb_build_object('origin',
    jsonb_build_object('node', p_node, 'boot', p_boot, 'number', p_from + f.n - 1)) ORDER BY f.n), '[]')
  INTO v_fresh
  FROM (
    SELECT e.v, row_number() OVER (ORDER BY e.n) AS n
    FROM jsonb_array_elements(p_records) WITH ORDINALITY AS e(v, n)
    WHERE NOT EXISTS (SELECT 1 FROM ${s}.audit a WHERE a.effect_id = (e.v->>'effectId')::uuid)) f;
  fresh := jsonb_array_length(v_fresh);
  sealed := p_place IS NOT NULL AND fresh > 0 AND fresh = jsonb_array_length(p_records)
    AND (SELECT count(DISTINCT e.v->>'effectId') FROM jsonb_array_elements(v_fresh) AS e(v)) = fresh
    AND NOT EXISTS (SELECT 1 FROM jsonb_array_elements(v_fresh) AS e(v) WHERE ${s}.is_erased_in_audit(e.v->>'userId') OR e.v->>'eventType' = 'account_erased');
  IF sealed THEN
    UPDATE ${s}.audit_chain SET place = (v_fresh->-1->'seal'->>'place')::bigint, hash = v_fresh->-1->'seal'->>'hash'
    WHERE id = 1 AND place = p_place AND hash = p_hash;
    sealed := FOUND;
  END IF;
  IF NOT sealed THEN
    SELECT coalesce(jsonb_agg(e.v - 'seal'), '[]') INTO v_fresh FROM jsonb_array_elements(v_fresh) AS e(v);
  END IF;
  PERFORM ${s}.append_audit(v_fresh);
END $$;

-- What is personal may have been erased since it was read: a commitment to it would never hold again.
CREATE FUNCTION ${s}.seal_audit(p_place bigint, p_hash text, p_records jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  v_head ${s}.audit_chain;
  v_count bigint;
  v_updated bigint;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(${s}.lock_key('erasure', ''));
  SELECT * INTO v_head FROM ${s}.audit_chain WHERE id = 1 FOR UPDATE;
  IF v_head.place <> p_place OR v_head.hash <> p_hash THEN RETURN false; END IF;
  SELECT count(*) INTO v_count
  FROM jsonb_to_recordset(p_records) AS r("effectId" uuid, address text, "userAgent" text, details text)
  JOIN ${s}.audit a ON a.effect_id = r."effectId"
  WHERE a.place IS NULL AND a.address IS NOT DISTINCT FROM r.address AND a.user_agent IS NOT DISTINCT FROM r."userAgent"
    AND a.details = r.details;
  IF v_count <> jsonb_array_length(p_records) THEN RETURN false; END IF;
  UPDATE ${s}.audit a SET place = (r.seal->>'place')::bigint, hash = r.seal->>'hash', person_hash = r.seal->>'personHash',
    person_salt = r.seal->>'personSalt'
  FROM jsonb_to_recordset(p_records) AS r("effectId" uuid, address text, "userAgent" text, details text, seal jsonb)
  WHERE a.effect_id = r."effectId" AND a.place IS NULL AND a.address IS NOT DISTINCT FROM r.address
    AND a.user_agent IS NOT DISTINCT FROM r."userAgent" AND a.details = r.details;
  GET DIAGNOSTICS v_updated = ROW_COUNT;
  -- An erasure that arrived just now: the same again will see it.
  IF v_updated <> v_count THEN RAISE EXCEPTION 'a record has changed' USING ERRCODE = 'serialization_failure'; END IF;
  UPDATE ${s}.audit_chain SET place = (p_records->-1->'seal'->>'place')::bigint, hash = p_records->-1->'seal'->>'hash'
  WHERE id = 1 AND v_count > 0;
  RETURN true;
END $$;

CREATE FUNCTION ${s}.put_audit_checkpoint(
  p_kind text, p_place bigint, p_hash text, p_at_ms bigint, p_key_id text, p_signature text
) RETURNS void LANGUAGE sql AS $$
  INSERT INTO ${s}.audit_checkpoints (kind, place, hash, at_ms, key_id, signature)
  VALUES (p_kind, p_place, p_hash, p_at_ms, p_key_id, p_signature)
  ON CONFLICT DO NOTHING
$$;

CREATE FUNCTION ${s}.cut_audit(
  p_kind text, p_place bigint, p_hash text, p_at_ms bigint, p_key_id text, p_signature text
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_count bigint;
BEGIN
  PERFORM FROM ${s}.audit_chain WHERE id = 1 FOR UPDATE;
  DELETE FROM ${s}.audit_checkpoints WHERE place <= p_place;
  PERFORM ${s}.put_audit_checkpoint(p_kind, p_place, p_hash, p_at_ms, p_key_id, p_signature);
  DELETE FROM ${s}.audit WHERE place <= p_place;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END $$;

-- As in 0006; the salt goes with what it hides.
CREATE OR REPLACE FUNCTION ${s}.erase_user(p_id uuid, p_by ${s}.act_context) RETURNS text LANGUAGE plpgsql AS $$
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
  UPDATE ${s}.audit SET address = NULL, user_agent = NULL, person_salt = NULL, details = ${s}.without_person(details)
  WHERE user_id = p_id::text;
  UPDATE ${s}.outbox SET data = ${s}.without_person(data) WHERE key = p_id::text;
  IF v_user.email IS NOT NULL OR v_user.username IS NOT NULL THEN
    PERFORM ${s}.append_effect('user.erased', v_user.realm_id, p_id, NULL, NULL, p_by);
  END IF;
  RETURN 'erased';
END $$;
`;
