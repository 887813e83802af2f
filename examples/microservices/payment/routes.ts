import { Problem } from '@sallyport/contract';
import { Type } from 'typebox';
import type { ServiceApp } from '../service/app.ts';
import { callerOf } from '../service/caller.ts';
import { fromMinorUnits, isCurrency, toMinorUnits } from './amount.ts';
import type { Payment, Payments } from './payments.ts';

export interface PaymentRoutesParts {
  readonly payments: Payments;
  /** Called after a payment was stored. */
  readonly wakeOutbox: () => void;
}

const listLimit = 100;
const closed = { additionalProperties: false } as const;

const newPayment = Type.Object(
  {
    /** In the currency's main unit, with at most as many decimals as the currency has. */
    amount: Type.Number({ exclusiveMinimum: 0 }),
    currency: Type.String({ pattern: '^[A-Z]{3}$', description: 'ISO 4217' }),
    description: Type.Optional(Type.String({ maxLength: 500 })),
  },
  closed,
);
const page = Type.Object({ before: Type.Optional(Type.String({ maxLength: 36 })) }, closed);
const params = Type.Object({ id: Type.String() }, closed);

export const paymentRoutes = (app: ServiceApp, { payments, wakeOutbox }: PaymentRoutesParts): void => {
  /** The newest hundred; `?before=<id>` gives the next ones. */
  app.get('/payments', { schema: { querystring: page } }, (request) => {
    const { userId } = callerOf(request);
    return { payments: payments.list(userId, listLimit, request.query.before).map(view) };
  });

  app.post('/payments', { schema: { body: newPayment } }, (request, reply) => {
    const { userId } = callerOf(request);
    const { amount, currency, description = '' } = request.body;
    const minorUnits = toMinorUnits(amount, currency);
    if (minorUnits === undefined) throw notMoney(currency);
    const text = `Payment of ${amount} ${currency} received`;
    const payment = payments.create(userId, { minorUnits, currency, description }, text);
    wakeOutbox();
    reply.code(201);
    return { message: 'Payment created successfully', payment: view(payment) };
  });

  app.get('/payments/:id', { schema: { params } }, (request) => {
    const { userId } = callerOf(request);
    const payment = payments.find(userId, request.params.id);
    // The same answer for what does not exist and for what is somebody else's.
    if (payment === undefined) throw new Problem('not_found');
    return { payment: view(payment) };
  });
};

const notMoney = (currency: string): Problem => {
  const field = isCurrency(currency)
    ? { path: '/amount', code: 'not_multiple' }
    : { path: '/currency', code: 'not_allowed' };
  return new Problem('field_invalid', { fields: [field] });
};

const view = ({ id, minorUnits, currency, description, createdAtMs }: Payment) => ({
  id,
  amount: fromMinorUnits(minorUnits, currency),
  currency,
  description,
  created_at: new Date(createdAtMs).toISOString(),
});
