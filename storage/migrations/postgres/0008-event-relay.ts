/**
 * What becomes of events: pending until they are published or dead. Those of the time before there was a relay have had nobody to go to,
 * and are not sent all at once now: they count as published, and can be replayed. What writes to rows that an erasure may write to holds
 * the lock of erasures together with others.
 */
export const eventRelay = (s: string): string => `
ALTER TABLE ${s}.outbox
  ADD COLUMN published_at_ms bigint,
  ADD COLUMN dead_at_ms bigint,
  ADD COLUMN tries integer NOT NULL DEFAULT 0,
  ADD COLUMN retry_at_ms bigint,
  ADD COLUMN reason text,
  ADD COLUMN partition integer NOT NULL GENERATED ALWAYS AS
    (greatest(strpos('0123456789abcdef', right(key, 1)) - 1, 0)) STORED;
UPDATE ${s}.outbox SET published_at_ms = at_ms;

CREATE INDEX outbox_pending ON ${s}.outbox (partition, position) WHERE published_at_ms IS NULL AND dead_at_ms IS NULL;
CREATE INDEX outbox_waiting ON ${s}.outbox (key) WHERE retry_at_ms IS NOT NULL;
CREATE INDEX outbox_dead ON ${s}.outbox (position) WHERE dead_at_ms IS NOT NULL;

CREATE TABLE ${s}.outbox_leases (
  partition integer PRIMARY KEY,
  holder text NOT NULL,
  fence bigint NOT NULL,
  until_ms bigint NOT NULL
) WITH (fillfactor = 50);

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
    PERFORM pg_notify('${s.replaceAll('"', '')}_outbox', '');
  END IF;
END $$;

-- In the order of partitions: two callers never wait for each other in a ring.
CREATE FUNCTION ${s}.claim_partitions(
  p_holder text, p_partitions jsonb, p_lease_ms bigint
) RETURNS TABLE (claimed integer, its_fence bigint) LANGUAGE plpgsql AS $$
DECLARE
  v_partition integer;
BEGIN
  FOR v_partition IN SELECT p::integer FROM jsonb_array_elements_text(p_partitions) p ORDER BY 1 LOOP
    INSERT INTO ${s}.outbox_leases AS l (partition, holder, fence, until_ms)
    VALUES (v_partition, p_holder, 1, ${s}.now_ms() + p_lease_ms)
    ON CONFLICT (partition) DO UPDATE SET fence = l.fence + (l.holder <> excluded.holder)::integer,
      holder = excluded.holder, until_ms = excluded.until_ms
    WHERE l.holder = excluded.holder OR l.until_ms <= ${s}.now_ms()
    RETURNING l.partition, l.fence INTO claimed, its_fence;
    IF FOUND THEN RETURN NEXT; END IF;
  END LOOP;
END $$;

CREATE FUNCTION ${s}.settle_events(p jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  v_now bigint;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(${s}.lock_key('erasure', ''));
  -- Held until the commit: nobody else can take the partition between this look and what is written.
  PERFORM 1 FROM ${s}.outbox_leases WHERE partition = (p->>'partition')::integer AND holder = p->>'holder'
    AND fence = (p->>'fence')::bigint FOR UPDATE;
  IF NOT FOUND THEN RETURN false; END IF;
  v_now := ${s}.now_ms();
  UPDATE ${s}.outbox SET published_at_ms = v_now, retry_at_ms = NULL, reason = NULL
  WHERE effect_id IN (SELECT e::uuid FROM jsonb_array_elements_text(p->'published') e)
    AND published_at_ms IS NULL AND dead_at_ms IS NULL;
  UPDATE ${s}.outbox o SET tries = o.tries + 1, reason = e.reason, retry_at_ms = v_now + e."retryInMs"
  FROM jsonb_to_recordset(p->'retries') AS e("effectId" uuid, reason text, "retryInMs" bigint)
  WHERE o.effect_id = e."effectId" AND o.published_at_ms IS NULL AND o.dead_at_ms IS NULL;
  UPDATE ${s}.outbox o SET tries = o.tries + 1, reason = e.reason, retry_at_ms = NULL, dead_at_ms = v_now
  FROM jsonb_to_recordset(p->'dead') AS e("effectId" uuid, reason text)
  WHERE o.effect_id = e."effectId" AND o.published_at_ms IS NULL AND o.dead_at_ms IS NULL;
  IF (p->>'release')::boolean THEN
    UPDATE ${s}.outbox_leases SET until_ms = 0 WHERE partition = (p->>'partition')::integer;
  END IF;
  RETURN true;
END $$;

CREATE FUNCTION ${s}.event_state(p_published_at_ms bigint, p_dead_at_ms bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN p_dead_at_ms IS NOT NULL THEN 'dead' WHEN p_published_at_ms IS NOT NULL THEN 'published' ELSE 'pending' END
$$;

CREATE FUNCTION ${s}.event_fits(p_event ${s}.outbox, p_filter jsonb) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT (p_filter->>'type' IS NULL OR p_event.type = p_filter->>'type')
    AND (p_filter->>'key' IS NULL OR p_event.key = p_filter->>'key')
    AND (p_filter->>'state' IS NULL
      OR ${s}.event_state(p_event.published_at_ms, p_event.dead_at_ms) = p_filter->>'state')
    AND (p_filter->>'sinceMs' IS NULL OR p_event.at_ms >= (p_filter->>'sinceMs')::bigint)
    AND (p_filter->>'untilMs' IS NULL OR p_event.at_ms < (p_filter->>'untilMs')::bigint)
$$;

CREATE FUNCTION ${s}.replay_events(p_ids jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_count bigint;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(${s}.lock_key('erasure', ''));
  UPDATE ${s}.outbox SET published_at_ms = NULL, dead_at_ms = NULL, tries = 0, retry_at_ms = NULL, reason = NULL
  WHERE effect_id IN (SELECT e::uuid FROM jsonb_array_elements_text(p_ids) e)
    AND NOT (published_at_ms IS NULL AND dead_at_ms IS NULL);
  GET DIAGNOSTICS v_count = ROW_COUNT;
  IF v_count > 0 THEN PERFORM pg_notify('${s.replaceAll('"', '')}_outbox', ''); END IF;
  RETURN v_count;
END $$;
`;
