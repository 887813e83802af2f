import { Problem } from '@sallyport/contract';
import { requirePermission, requireRole, requireUser } from '@sallyport/verify';
import { Type } from 'typebox';
import type { BackendApp } from './app.ts';
import type { Documents } from './documents.ts';

const closed = { additionalProperties: false } as const;
const documentBody = Type.Object(
  {
    title: Type.String({ minLength: 1, maxLength: 100, pattern: '^[^\\p{Cc}\\p{Cs}]*$' }),
    text: Type.String({ maxLength: 10_000, pattern: '^\\P{Cs}*$' }),
  },
  closed,
);
const idParams = Type.Object({ id: Type.String({ minLength: 36, maxLength: 36 }) }, closed);

export interface BackendRoutesParts {
  readonly documents: Documents;
  readonly newId: () => string;
}

/**
 * `request.identity` is what the gateway has signed, roles and permissions included. The gateway's routes ask for the role and the
 * permission too; they are asked for again here, since routes are settings of another server.
 */
export const backendRoutes = (app: BackendApp, { documents, newId }: BackendRoutesParts): void => {
  app.get('/api/whoami', (request) => {
    const { userId, email, roles, permissions } = requireUser(request.identity);
    return { user_id: userId, email, roles, permissions };
  });

  app.get('/api/documents', (request) => ({ documents: documents.of(requireUser(request.identity).userId) }));

  app.post('/api/documents', { schema: { body: documentBody } }, async (request, reply) => {
    const { userId } = requireUser(request.identity);
    const document = { id: newId(), ...request.body };
    if (!documents.add(userId, document)) throw new Problem('permission_denied');
    return reply.code(201).send({ document });
  });

  // Anybody's: that is what the permission is for.
  app.delete('/api/documents/:id', { schema: { params: idParams } }, async (request, reply) => {
    requirePermission(request.identity, 'documents:delete');
    if (!documents.remove(request.params.id)) throw new Problem('not_found');
    return reply.code(204).send();
  });

  app.get('/api/admin/summary', (request) => {
    requireRole(request.identity, 'admin');
    return documents.summary();
  });
};
