/** Which records of the trail somebody wants to see, as it is asked for in a query or on the command line. */
import { defaultRealm, isUserId } from '@sallyport/contract';
import type { AuditFilter, AuditRecord } from '@sallyport/storage/contracts/audit';

export const filterNames = ['user', 'type', 'address', 'since', 'until', 'before', 'limit'] as const;
export type FilterName = (typeof filterNames)[number];
export type GivenFilter = Readonly<Partial<Record<FilterName, string>>>;

export const longestPage = 1000;
const defaultPage = 100;

const idForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** RFC 3339 with its zone, or a date alone, which begins at midnight UTC. */
const timeForm = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/;

/** What is wrong, or the filter. */
export const readFilter = (
  given: GivenFilter,
): { readonly filter: AuditFilter } | { readonly wrong: FilterName; readonly because: string } => {
  const { user, type, address, since, until, before, limit = String(defaultPage) } = given;
  if (user !== undefined && !isUserId(user)) return { wrong: 'user', because: 'is a user id' };
  if (type !== undefined && !/^[a-z_]{1,50}$/.test(type)) return { wrong: 'type', because: 'is an event type' };
  if (address !== undefined && !/^[0-9a-fA-F.:%]{2,50}$/.test(address))
    return { wrong: 'address', because: 'is an IP address' };
  const times = { since, until };
  for (const name of ['since', 'until'] as const) {
    const text = times[name];
    if (text !== undefined && (!timeForm.test(text) || Number.isNaN(Date.parse(text))))
      return { wrong: name, because: 'is a time as 2026-11-28T12:00:00Z, or a date' };
  }
  if (before !== undefined && !idForm.test(before)) return { wrong: 'before', because: 'is the id of a record' };
  if (!/^[1-9]\d{0,3}$/.test(limit) || Number(limit) > longestPage)
    return { wrong: 'limit', because: `is a number from 1 to ${longestPage}` };
  return {
    filter: {
      realmId: defaultRealm,
      limit: Number(limit),
      ...(user !== undefined && { userId: user }),
      ...(type !== undefined && { eventType: type }),
      ...(address !== undefined && { address }),
      ...(since !== undefined && { sinceMs: Date.parse(since) }),
      ...(until !== undefined && { untilMs: Date.parse(until) }),
      ...(before !== undefined && { before }),
    },
  };
};

/** As it is shown: names as in the table `audit_logs`. */
export interface AuditView {
  readonly id: string;
  readonly event_type: string;
  readonly created_at: string;
  readonly actor: string;
  readonly user_id?: string;
  readonly session_id?: string;
  readonly device_id?: string;
  readonly ip_address?: string;
  readonly user_agent?: string;
  readonly request_id: string;
  readonly details: unknown;
}

export const auditView = (record: AuditRecord): AuditView => ({
  id: record.effectId,
  event_type: record.eventType,
  created_at: new Date(record.atMs).toISOString(),
  actor: record.actor,
  ...(record.userId !== undefined && { user_id: record.userId }),
  ...(record.sessionId !== undefined && { session_id: record.sessionId }),
  ...(record.deviceId !== undefined && { device_id: record.deviceId }),
  ...(record.address !== undefined && { ip_address: record.address }),
  ...(record.userAgent !== undefined && { user_agent: record.userAgent }),
  request_id: record.requestId,
  details: detailsOf(record.details),
});

const detailsOf = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};
