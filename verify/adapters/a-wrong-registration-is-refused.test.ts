import { expect, it } from 'vitest';
import { createGuard } from '../guard/assertion-guard.ts';
import { guardExpress } from './express.ts';
import { guardFastify } from './fastify.ts';
import { guardFetch } from './fetch.ts';
import { guardHono } from './hono.ts';
import { guardNode } from './node.ts';

const guard = createGuard({ service: 'orders', keys: [{ kid: '1', key: new Uint8Array(32).fill(7) }] });
// What plain JavaScript may pass, and type stripping does not notice.
const noGuard = { guard } as never;

it('throws at set-up instead of guarding nothing', () => {
  for (const adapter of [guardExpress, guardFastify, guardHono]) expect(() => adapter(noGuard)).toThrow('not a guard');
  expect(() => guardFetch(noGuard, () => new Response())).toThrow('not a guard');
  expect(() => guardNode(noGuard, () => undefined)).toThrow('not a guard');
});
