/** Ends of sessions whose rows another store keeps; ids as in `sessions`. */
export const endedSessions = `
CREATE TABLE ended_sessions (
  session_id BLOB PRIMARY KEY CHECK (length(session_id) = 16),
  realm_id TEXT NOT NULL REFERENCES realms (id),
  user_id BLOB,
  cause TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  keep_until_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX ended_sessions_expiry ON ended_sessions (keep_until_ms);
`;
