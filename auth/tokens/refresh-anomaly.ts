/**
 * What an operator must hear of. The first two mean that the store has gone back, the third that nodes hold different keys, the last that a
 * genuine token came without the key that it is bound to.
 */
export const refreshAnomalies = ['adopted_ahead', 'session_lost', 'key_unknown', 'proof_required'] as const;

export type RefreshAnomaly = (typeof refreshAnomalies)[number];
