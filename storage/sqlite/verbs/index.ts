/**
 * What the writer thread can do: the explicit list of write verbs. Each is one synchronous function on an open transaction,
 * so nothing can come between its reads and its writes. No verb knows of threads, batches or promises.
 */
import {
  changePassword,
  createUser,
  deleteUser,
  disableUser,
  enableUser,
  endAllSessions,
  replacePasswordHash,
  setUserRoles,
} from './accounts.ts';
import { reserveAttempt, settleAttempt } from './attempts.ts';
import {
  appendAudit,
  appendCheckpoint,
  collectAudit,
  cutAudit,
  findCut,
  leaseSealing,
  markDelivered,
  removeDelivered,
  sealAudit,
} from './audit.ts';
import { keepCanary } from './canaries.ts';
import { noteIncarnation } from './companions.ts';
import { clearAttempts, countAttempt } from './counters.ts';
import { createCredential, noteCredentialUse, revokeCredential } from './credentials.ts';
import {
  changeDevice,
  confirmDevice,
  createDevice,
  noteDeviceSeen,
  removeDeadDevices,
  revokeDevice,
} from './devices.ts';
import { appendEffects, removeEffects } from './effects.ts';
import { eraseUser } from './erasure.ts';
import { removeExpiredNonces, removeExpiredSessions, removeIdleCounters, removeOldEvents } from './housekeeping.ts';
import { advanceRing, ensureCurrentKey, ensureNextKey, removeKey, withdrawKey } from './keys.ts';
import { consumeNonce } from './nonces.ts';
import { appendEvents, claimPartitions, replayEvents, settleEvents } from './outbox.ts';
import { markRestored } from './recovery.ts';
import { tidyRevocations } from './revocations.ts';
import { replaceSealed } from './root-keys.ts';
import { recordSessionEnds } from './session-ends.ts';
import {
  adoptEpoch,
  createSession,
  endReusedSession,
  endSession,
  endSessionsOfUser,
  keepSession,
  recordLoserAttempt,
  rotateSession,
  settleRotation,
} from './sessions.ts';

export const verbs = {
  adoptEpoch,
  advanceRing,
  appendAudit,
  appendCheckpoint,
  appendEffects,
  appendEvents,
  changePassword,
  claimPartitions,
  clearAttempts,
  changeDevice,
  collectAudit,
  confirmDevice,
  consumeNonce,
  countAttempt,
  createCredential,
  createDevice,
  createSession,
  createUser,
  cutAudit,
  deleteUser,
  disableUser,
  enableUser,
  endAllSessions,
  endReusedSession,
  endSession,
  endSessionsOfUser,
  ensureCurrentKey,
  ensureNextKey,
  eraseUser,
  findCut,
  keepCanary,
  keepSession,
  leaseSealing,
  markDelivered,
  markRestored,
  noteCredentialUse,
  noteIncarnation,
  recordLoserAttempt,
  recordSessionEnds,
  removeDelivered,
  removeEffects,
  removeExpiredNonces,
  removeExpiredSessions,
  removeIdleCounters,
  removeKey,
  removeOldEvents,
  replacePasswordHash,
  replaceSealed,
  replayEvents,
  reserveAttempt,
  noteDeviceSeen,
  removeDeadDevices,
  revokeCredential,
  revokeDevice,
  rotateSession,
  sealAudit,
  setUserRoles,
  settleAttempt,
  settleEvents,
  settleRotation,
  tidyRevocations,
  withdrawKey,
} as const;

export type Verbs = typeof verbs;
export type VerbName = keyof Verbs;
export type VerbInput<Name extends VerbName> = Parameters<Verbs[Name]>[1];
export type VerbOutput<Name extends VerbName> = ReturnType<Verbs[Name]>;
