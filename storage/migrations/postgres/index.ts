import { spine } from './0001-spine.ts';
import { traces } from './0002-traces.ts';
import { sessions } from './0003-sessions.ts';
import { accounts } from './0004-accounts.ts';
import { counters } from './0005-counters.ts';
import { housekeeping } from './0006-housekeeping.ts';
import { endedSessions } from './0007-ended-sessions.ts';
import { eventRelay } from './0008-event-relay.ts';
import { auditChain } from './0009-audit-chain.ts';
import { devices } from './0010-devices.ts';
import { keyRotation } from './0011-key-rotation.ts';
import { deadDevices } from './0012-dead-devices.ts';
import { credentials } from './0013-credentials.ts';

export interface PostgresMigration {
  readonly version: number;
  readonly name: string;
  /**
   * The least version that software has to know to work with a schema that has this migration. An expansion leaves it where it was,
   * so that both versions of a rolling update run at once; a contraction raises it to the version that stopped using what is taken away.
   */
  readonly leastKnown: number;
  /** `schema` is a quoted identifier. */
  readonly sql: (schema: string) => string;
}

/** In order of versions; what has been released is never edited. A function is replaced by a later migration. */
export const postgresMigrations: readonly PostgresMigration[] = [
  { version: 1, name: 'spine', leastKnown: 5, sql: spine },
  { version: 2, name: 'traces', leastKnown: 5, sql: traces },
  { version: 3, name: 'sessions', leastKnown: 5, sql: sessions },
  { version: 4, name: 'accounts', leastKnown: 5, sql: accounts },
  { version: 5, name: 'counters', leastKnown: 5, sql: counters },
  { version: 6, name: 'housekeeping', leastKnown: 6, sql: housekeeping },
  { version: 7, name: 'ended sessions', leastKnown: 6, sql: endedSessions },
  { version: 8, name: 'event relay', leastKnown: 6, sql: eventRelay },
  { version: 9, name: 'audit chain', leastKnown: 6, sql: auditChain },
  { version: 10, name: 'devices', leastKnown: 6, sql: devices },
  { version: 11, name: 'key rotation', leastKnown: 6, sql: keyRotation },
  { version: 12, name: 'dead devices', leastKnown: 6, sql: deadDevices },
  { version: 13, name: 'credentials', leastKnown: 6, sql: credentials },
];
