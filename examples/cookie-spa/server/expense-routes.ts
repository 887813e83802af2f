import { Problem } from '@sallyport/contract';
import type { PageApp } from '@sallyport/example-kit/page-server';
import { Type } from 'typebox';
import { type Category, categories, type Expenses } from './expenses.ts';
import type { WhoCalls } from './who-calls.ts';

const closed = { additionalProperties: false } as const;
const expenseBody = Type.Object(
  {
    day: Type.String({ pattern: '^20\\d\\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])$' }),
    amount_minor: Type.Integer({ minimum: 1, maximum: 100_000_000 }),
    category: Type.Union(categories.map((name) => Type.Literal(name))),
    note: Type.String({ maxLength: 80, pattern: '^[^\\p{Cc}\\p{Cs}]*$' }),
  },
  closed,
);
const monthQuery = Type.Object({ month: Type.String({ pattern: '^20\\d\\d-(0[1-9]|1[0-2])$' }) }, closed);
const idParams = Type.Object({ id: Type.String({ minLength: 36, maxLength: 36 }) }, closed);

export interface ExpenseRoutesOptions {
  readonly expenses: Expenses;
  readonly whoCalls: WhoCalls;
  readonly newId: () => string;
}

/**
 * `/api/expenses`: every route asks first who calls. The token travels in a header that no other site can make a browser send, so there
 * is no CSRF to defend against here; the cookie does not even reach this server's paths.
 */
export const expenseRoutes = (app: PageApp, { expenses, whoCalls, newId }: ExpenseRoutesOptions): void => {
  app.get('/api/expenses', { schema: { querystring: monthQuery } }, async ({ raw, query }, reply) => {
    const userId = await whoCalls(raw.headersDistinct['authorization']);
    // Somebody's own: no copy stays behind in a cache when he has logged out.
    void reply.header('cache-control', 'no-store');
    return { expenses: expenses.ofMonth(userId, query.month) };
  });

  app.post('/api/expenses', { schema: { body: expenseBody } }, async ({ raw, body }, reply) => {
    const userId = await whoCalls(raw.headersDistinct['authorization']);
    const expense = { ...body, id: newId(), category: body.category as Category, note: body.note.trim() };
    if (!isDay(body.day)) throw new Problem('field_invalid', { fields: [{ path: '/day', code: 'invalid' }] });
    if (!expenses.add(userId, expense)) throw new Problem('permission_denied');
    return reply.code(201).send({ expense });
  });

  app.delete('/api/expenses/:id', { schema: { params: idParams } }, async ({ raw, params }, reply) => {
    const userId = await whoCalls(raw.headersDistinct['authorization']);
    if (!expenses.remove(userId, params.id)) throw new Problem('not_found');
    return reply.code(204).send();
  });
};

/** 30 February has the form of a day and is none. */
const isDay = (day: string): boolean => {
  const date = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day);
};
