import { spine } from './0001-spine.ts';
import { endedSessions } from './0002-ended-sessions.ts';
import { eventRelay } from './0003-event-relay.ts';
import { auditChain } from './0004-audit-chain.ts';
import { devices } from './0005-devices.ts';
import { keyRotation } from './0006-key-rotation.ts';
import { deadDevices } from './0007-dead-devices.ts';
import { credentials } from './0008-credentials.ts';

export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
}

/** In order of versions; what has been released is never edited. */
export const sqliteMigrations: readonly Migration[] = [
  { version: 1, name: 'spine', sql: spine },
  { version: 2, name: 'ended sessions', sql: endedSessions },
  { version: 3, name: 'event relay', sql: eventRelay },
  { version: 4, name: 'audit chain', sql: auditChain },
  { version: 5, name: 'devices', sql: devices },
  { version: 6, name: 'key rotation', sql: keyRotation },
  { version: 7, name: 'dead devices', sql: deadDevices },
  { version: 8, name: 'credentials', sql: credentials },
];
