/**
 * The trail's door on the private listener: `GET /v1/audit`, for whoever has the permission `audit:read`. Translates, and leaves a record
 * of who has looked.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Problem } from '@sallyport/contract';
import type { Clock } from '@sallyport/kit/clock';
import type { Random } from '@sallyport/kit/random';
import type { Audit } from '@sallyport/storage/contracts/audit';
import type { Effects } from '@sallyport/storage/contracts/effects';
import { StoreUnavailable } from '@sallyport/storage/contracts/store';
import type { Caller, Credentials } from '../route.ts';
import { auditView, type FilterName, filterNames, type GivenFilter, readFilter } from './filter.ts';

export const auditPath = '/v1/audit';
export const auditPermission = 'audit:read';

export interface AuditHttpOptions {
  readonly audit: Pick<Audit, 'listAudit'>;
  readonly effects: Pick<Effects, 'appendEffects'>;
  readonly authenticate: (credentials: Credentials) => Promise<Caller>;
  readonly clock: Clock;
  readonly random: Pick<Random, 'uuidv7'>;
}

const retryAfterSeconds = 2;

export const createAuditHttp =
  ({ audit, effects, authenticate, clock, random }: AuditHttpOptions) =>
  async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    try {
      const { user, session } = await authenticate(credentialsOf(req));
      if (!user.permissions.includes(auditPermission)) throw new Problem('permission_denied');
      const asked = readQuery(req.url ?? '');
      const read = readFilter(asked);
      if ('wrong' in read) throw new Problem('query_invalid', { extensions: { parameter: read.wrong } });
      const records = await audit.listAudit(read.filter);
      const context = { requestId: random.uuidv7(clock.nowMs()), actor: 'admin', ...originOf(req) } as const;
      const who = { realmId: user.realmId, userId: user.id, sessionId: session.id };
      await effects.appendEffects([{ act: 'audit.read', ...who, data: { ...asked }, context }]);
      const next = records.length === read.filter.limit ? records.at(-1)?.effectId : undefined;
      sendJson(res, { records: records.map(auditView), ...(next !== undefined && { next }) });
    } catch (error) {
      if (error instanceof StoreUnavailable)
        throw new Problem('audit_unavailable', { retryAfterSeconds, cause: error });
      throw error;
    }
  };

const credentialsOf = ({ headers, method = '', url: target = '' }: IncomingMessage): Credentials => {
  const { authorization, dpop: proof } = headers;
  return { authorization, proof: typeof proof === 'string' ? { proof, method, target } : undefined };
};

const isFilterName = (name: string): name is FilterName => (filterNames as readonly string[]).includes(name);

/** A parameter that is not known, or is there twice, would be answered with more than was meant. */
const readQuery = (target: string): GivenFilter => {
  const given: Partial<Record<FilterName, string>> = {};
  for (const [name, value] of new URL(target, 'http://private').searchParams) {
    if (!isFilterName(name) || given[name] !== undefined)
      throw new Problem('query_invalid', { extensions: { parameter: name.slice(0, 40) } });
    given[name] = value;
  }
  return given;
};

const originOf = ({ socket, headers }: IncomingMessage) => ({
  ...(socket.remoteAddress !== undefined && { address: socket.remoteAddress }),
  ...(headers['user-agent'] !== undefined && { userAgent: headers['user-agent'].slice(0, 500) }),
});

const sendJson = (res: ServerResponse, body: object): void => {
  const text = JSON.stringify(body);
  res.writeHead(200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  });
  res.end(text);
};
