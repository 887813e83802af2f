/**
 * The composition root of the admin API: an app of its own for a listener of its own. What it consists of can be read here from top to bottom.
 * What its callers may do is what the command line may (`operations.ts`).
 */
import type { Clock } from '@sallyport/kit/clock';
import type { Log } from '@sallyport/kit/log';
import type { Random } from '@sallyport/kit/random';
import type { Sealer } from '@sallyport/kit/seal';
import type { Audit } from '@sallyport/storage/contracts/audit';
import type { Storage } from '@sallyport/storage/contracts/storage';
import type { FastifyInstance } from 'fastify';
import { type AuditDesk, createAuditHttp } from './admin/audit-http.ts';
import { createEventsHttp } from './admin/events-http.ts';
import { createKeysHttp } from './admin/keys-http.ts';
import { createSessionsHttp } from './admin/sessions-http.ts';
import { createUsersHttp } from './admin/users-http.ts';
import { auditView, readFilter } from './audit/filter.ts';
import type { AuditMaintenance } from './audit-maintenance.ts';
import { createAuthenticateService } from './authenticate-service.ts';
import type { AuthSettings } from './config.ts';
import type { PasswordFactor, PasswordPolicy } from './factors/factor.ts';
import { createFastifyApp } from './fastify-app.ts';
import { adminTraceFieldsOf, type MountAdminOptions, mountAdminRoutes } from './mount-admin.ts';
import { type Acting, createOperations, createUserMaker } from './operations.ts';
import { createRegister } from './register/register.ts';
import type { AdminHandlers } from './route.ts';

export interface AdminAppParts extends Pick<MountAdminOptions, 'observe' | 'onLimitHit' | 'aroundAct'> {
  readonly settings: AuthSettings;
  readonly storage: Storage;
  readonly sealer: Sealer;
  readonly trail: Audit;
  readonly audit: Pick<AuditMaintenance, 'list' | 'verify'>;
  readonly password: PasswordFactor;
  readonly policy: PasswordPolicy;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export const buildAdminApp = async (parts: AdminAppParts): Promise<FastifyInstance> => {
  const { settings, storage, sealer, trail, password, policy, clock, random, log, aroundAct } = parts;
  const { accounts, effects } = storage;
  // An operator need not know what only its owner can say of himself.
  const shape = { ...settings.shape, requiredFields: [] };
  const register = createRegister({ accounts, password, policy, random, clock, shape });
  const createUser = createUserMaker({ accounts, register, identifier: shape.identifier });
  const operationsOf = createOperations({ settings, storage, sealer, trail, createUser });

  const handlers: AdminHandlers = {
    ...createUsersHttp(),
    ...createSessionsHttp(),
    ...createAuditHttp(auditDesk(parts.audit)),
    ...createKeysHttp(operationsOf(readingAlone(random, clock))),
    ...createEventsHttp(),
  };
  const app = createFastifyApp({
    ...{ texts: {}, bodyLimit: bodyLimitBytes, random, clock, log },
    about: adminTraceFieldsOf,
    isSecure: settings.privateTlsCertPath !== undefined,
  });
  mountAdminRoutes(app, {
    handlers,
    authenticate: createAuthenticateService({ ...storage, clock, limitPerMinute: settings.adminLimitPerMinute }),
    operationsOf,
    aroundAct,
    effects,
    random,
    log,
    observe: parts.observe,
    onLimitHit: parts.onLimitHit,
  });
  await app.ready();
  return app;
};

/** A thousand ids of events. */
const bodyLimitBytes = 65_536;

const auditDesk = (audit: AdminAppParts['audit']): AuditDesk => ({
  read: async (given) => {
    const read = readFilter(given);
    if ('wrong' in read) return { wrong: read.wrong };
    const records = await audit.list(read.filter);
    const next = records.length === read.filter.limit ? records.at(-1)?.effectId : undefined;
    return { records: records.map(auditView), ...(next !== undefined && { next }) };
  },
  verify: () => audit.verify(),
});

/** For what changes nothing, whoever asks for it. */
const readingAlone = (random: Random, clock: Clock): Acting => ({
  context: () => ({ requestId: random.uuidv7(clock.nowMs()), actor: 'system' }),
  around: (_, run) => run(),
});
