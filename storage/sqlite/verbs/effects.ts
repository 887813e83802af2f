import { systemRandom, uuidToBytes } from '@sallyport/kit/random';
import { type EffectDraft, effectVersion } from '../../contracts/effects.ts';
import type { Transaction } from '../transaction.ts';

const insert = `INSERT INTO effects (id, version, realm_id, act, at_ms, user_id, session_id, actor, request_id, address, user_agent, data)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

/** Called by every verb that changes something, in the verb's own transaction: a change and its traces cannot part. */
export const appendEffect = (tx: Transaction, draft: EffectDraft): void => {
  tx.run(
    insert,
    uuidToBytes(systemRandom.uuidv7(tx.nowMs)),
    effectVersion,
    draft.realmId,
    draft.act,
    tx.nowMs,
    draft.userId === undefined ? null : uuidToBytes(draft.userId),
    draft.sessionId === undefined ? null : uuidToBytes(draft.sessionId),
    draft.context.actor,
    draft.context.requestId,
    draft.context.address ?? null,
    draft.context.userAgent ?? null,
    draft.data === undefined ? null : JSON.stringify(draft.data),
  );
};

export const appendEffects = (tx: Transaction, drafts: readonly EffectDraft[]): void => {
  for (const draft of drafts) appendEffect(tx, draft);
};

export const removeEffects = (tx: Transaction, positions: readonly number[]): void => {
  tx.run('DELETE FROM effects WHERE position IN (SELECT value FROM json_each(?))', JSON.stringify(positions));
};
