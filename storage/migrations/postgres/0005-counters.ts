/**
 * Exact limits. A subject's advisory lock serialises its callers, so that who is refused writes nothing and waits for no disk; of
 * several gates the locks are taken in order.
 */
export const counters = (s: string): string => `
CREATE FUNCTION ${s}.count_attempt(
  p_realm text, p_purpose text, p_subject text, p_limit integer, p_window_ms bigint,
  OUT allowed boolean, OUT remaining integer, OUT reset_at_ms bigint
) LANGUAGE plpgsql AS $$
DECLARE
  v_now bigint;
  v_kept bigint[];
BEGIN
  PERFORM pg_advisory_xact_lock(${s}.lock_key('counter', p_realm || chr(31) || p_purpose || chr(31) || p_subject));
  v_now := ${s}.now_ms();
  SELECT ARRAY(SELECT a FROM unnest(c.attempts_ms) WITH ORDINALITY AS t(a, n) WHERE a > v_now - p_window_ms ORDER BY n) INTO v_kept
  FROM ${s}.counters c WHERE c.realm_id = p_realm AND c.purpose = p_purpose AND c.subject = p_subject;
  v_kept := coalesce(v_kept, '{}');
  allowed := cardinality(v_kept) < p_limit;
  IF NOT allowed THEN
    remaining := 0;
    reset_at_ms := coalesce(v_kept[cardinality(v_kept) - p_limit + 1], v_now) + p_window_ms;
    RETURN;
  END IF;
  remaining := p_limit - cardinality(v_kept) - 1;
  reset_at_ms := v_now + p_window_ms;
  INSERT INTO ${s}.counters AS c (realm_id, purpose, subject, attempts_ms, expires_at_ms)
  VALUES (p_realm, p_purpose, p_subject, v_kept || v_now, reset_at_ms)
  ON CONFLICT (realm_id, purpose, subject)
  DO UPDATE SET attempts_ms = excluded.attempts_ms, expires_at_ms = excluded.expires_at_ms;
  PERFORM ${s}.forget_counters(v_now);
END $$;

-- Whoever guesses at accounts that do not exist adds rows; each reservation takes away more than it adds.
CREATE FUNCTION ${s}.forget_counters(p_now bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM ${s}.counters c USING (
    SELECT realm_id, purpose, subject FROM ${s}.counters
    WHERE expires_at_ms <= p_now ORDER BY expires_at_ms LIMIT 8 FOR UPDATE SKIP LOCKED) old
  WHERE c.realm_id = old.realm_id AND c.purpose = old.purpose AND c.subject = old.subject;
END $$;

-- What a gate's row knows. pending: attempts under way, [attempt id, end of its lease].
CREATE TYPE ${s}.gate_state AS (failed_ms bigint[], pending jsonb, failures_in_row integer, locked_until_ms bigint);

CREATE FUNCTION ${s}.fail_gate(p_state ${s}.gate_state, p_at bigint, p_gate jsonb) RETURNS ${s}.gate_state
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  v_after integer := (p_gate->'lock'->>'after')::integer;
BEGIN
  -- Without a limit nothing would ever bound the list.
  IF (p_gate->>'limit')::integer > 0 THEN p_state.failed_ms := p_state.failed_ms || p_at; END IF;
  p_state.failures_in_row := p_state.failures_in_row + 1;
  IF v_after IS NOT NULL AND p_state.failures_in_row % v_after = 0 THEN
    -- At most 2^40: the exponent grows with every failure, and the result must not overflow on its way to the bound.
    p_state.locked_until_ms := p_at + least(
      (p_gate->'lock'->>'firstMs')::numeric * 2 ^ least(p_state.failures_in_row / v_after - 1, 40),
      (p_gate->'lock'->>'longestMs')::numeric)::bigint;
  END IF;
  RETURN p_state;
END $$;

-- A lease that ran out counts as a failure at that moment: its node died with the verdict.
CREATE FUNCTION ${s}.read_gate(p_realm text, p_gate jsonb, p_now bigint) RETURNS ${s}.gate_state LANGUAGE plpgsql AS $$
DECLARE
  v_state ${s}.gate_state;
  v_lease jsonb;
  v_kept jsonb := '[]';
BEGIN
  SELECT c.attempts_ms, c.pending, c.failures_in_row, c.locked_until_ms INTO v_state FROM ${s}.counters c
  WHERE c.realm_id = p_realm AND c.purpose = p_gate->>'purpose' AND c.subject = p_gate->>'subject' AND c.expires_at_ms > p_now;
  IF NOT FOUND THEN RETURN ROW('{}', '[]', 0, 0)::${s}.gate_state; END IF;
  FOR v_lease IN SELECT value FROM jsonb_array_elements(v_state.pending) LOOP
    IF (v_lease->>1)::bigint > p_now THEN v_kept := v_kept || jsonb_build_array(v_lease);
    ELSE v_state := ${s}.fail_gate(v_state, (v_lease->>1)::bigint, p_gate);
    END IF;
  END LOOP;
  v_state.pending := v_kept;
  v_state.failed_ms := ARRAY(
    SELECT a FROM unnest(v_state.failed_ms) WITH ORDINALITY AS t(a, n)
    WHERE a > p_now - (p_gate->>'windowMs')::bigint ORDER BY n);
  RETURN v_state;
END $$;

-- A row of failures is forgotten when its subject has been quiet for a day.
CREATE FUNCTION ${s}.write_gate(p_realm text, p_gate jsonb, p_state ${s}.gate_state, p_now bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO ${s}.counters (realm_id, purpose, subject, attempts_ms, pending, failures_in_row, locked_until_ms, expires_at_ms)
  VALUES (p_realm, p_gate->>'purpose', p_gate->>'subject', p_state.failed_ms, p_state.pending, p_state.failures_in_row,
    p_state.locked_until_ms, p_now + 86400000)
  ON CONFLICT (realm_id, purpose, subject) DO UPDATE SET attempts_ms = excluded.attempts_ms, pending = excluded.pending,
    failures_in_row = excluded.failures_in_row, locked_until_ms = excluded.locked_until_ms, expires_at_ms = excluded.expires_at_ms;
END $$;

CREATE FUNCTION ${s}.lock_gates(p_realm text, p_gates jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_key bigint;
BEGIN
  FOR v_key IN
    SELECT DISTINCT ${s}.lock_key('counter', p_realm || chr(31) || (g->>'purpose') || chr(31) || (g->>'subject')) AS key
    FROM jsonb_array_elements(p_gates) AS t(g) ORDER BY key
  LOOP
    PERFORM pg_advisory_xact_lock(v_key);
  END LOOP;
END $$;

CREATE FUNCTION ${s}.reserve_attempt(
  p_realm text, p_attempt text, p_gates jsonb, p_lease_ms bigint,
  OUT kind text, OUT retry_at_ms bigint, OUT gate_limit integer, OUT window_ms bigint
) LANGUAGE plpgsql AS $$
DECLARE
  v_now bigint;
  v_gate jsonb;
  v_state ${s}.gate_state;
  v_states ${s}.gate_state[] := '{}';
  v_limit integer;
  v_locked boolean := false;
BEGIN
  PERFORM ${s}.lock_gates(p_realm, p_gates);
  v_now := ${s}.now_ms();
  FOR v_gate IN SELECT value FROM jsonb_array_elements(p_gates) LOOP
    v_state := ${s}.read_gate(p_realm, v_gate, v_now);
    v_states := v_states || v_state;
    v_limit := (v_gate->>'limit')::integer;
    CONTINUE WHEN v_limit = 0;
    IF cardinality(v_state.failed_ms) >= v_limit THEN
      kind := 'limited';
      gate_limit := v_limit;
      window_ms := (v_gate->>'windowMs')::bigint;
      retry_at_ms := v_state.failed_ms[cardinality(v_state.failed_ms) - v_limit + 1] + window_ms;
      RETURN;
    END IF;
    IF cardinality(v_state.failed_ms) + jsonb_array_length(v_state.pending) >= v_limit THEN
      kind := 'wait';
      RETURN;
    END IF;
  END LOOP;
  FOR i IN 1 .. cardinality(v_states) LOOP
    v_gate := p_gates->(i - 1);
    v_state := v_states[i];
    v_locked := v_locked OR (v_gate->'lock' IS NOT NULL AND v_state.locked_until_ms > v_now);
    v_state.pending := v_state.pending || jsonb_build_array(jsonb_build_array(p_attempt, v_now + p_lease_ms));
    PERFORM ${s}.write_gate(p_realm, v_gate, v_state, v_now);
  END LOOP;
  kind := CASE WHEN v_locked THEN 'locked' ELSE 'granted' END;
  PERFORM ${s}.forget_counters(v_now);
END $$;

CREATE FUNCTION ${s}.settle_attempt(p_realm text, p_attempt text, p_gates jsonb, p_outcome text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_now bigint;
  v_gate jsonb;
  v_state ${s}.gate_state;
  v_at integer;
BEGIN
  PERFORM ${s}.lock_gates(p_realm, p_gates);
  v_now := ${s}.now_ms();
  FOR v_gate IN SELECT value FROM jsonb_array_elements(p_gates) LOOP
    v_state := ${s}.read_gate(p_realm, v_gate, v_now);
    SELECT t.n - 1 INTO v_at FROM jsonb_array_elements(v_state.pending) WITH ORDINALITY AS t(lease, n)
    WHERE t.lease->>0 = p_attempt ORDER BY t.n LIMIT 1;
    CONTINUE WHEN NOT FOUND;
    v_state.pending := v_state.pending - v_at;
    IF p_outcome = 'failed' THEN v_state := ${s}.fail_gate(v_state, v_now, v_gate); END IF;
    IF p_outcome = 'locked' AND (v_gate->>'limit')::integer > 0 THEN v_state.failed_ms := v_state.failed_ms || v_now; END IF;
    IF p_outcome = 'succeeded' THEN v_state.failures_in_row := 0; END IF;
    PERFORM ${s}.write_gate(p_realm, v_gate, v_state, v_now);
  END LOOP;
END $$;

CREATE FUNCTION ${s}.clear_attempts(p_realm text, p_purpose text, p_subject text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(${s}.lock_key('counter', p_realm || chr(31) || p_purpose || chr(31) || p_subject));
  DELETE FROM ${s}.counters c WHERE c.realm_id = p_realm AND c.purpose = p_purpose AND c.subject = p_subject;
END $$;
`;
