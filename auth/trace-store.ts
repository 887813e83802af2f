import type { Spans } from '@sallyport/kit/spans';
import type { Storage } from '@sallyport/storage/contracts/storage';

/** What requests wait for. The rest is background work, which belongs to no request. */
const contracts = [
  ...(['accounts', 'sessions', 'devices', 'nonces', 'lastingNonces', 'counters', 'revocations', 'effects'] as const),
] satisfies readonly (keyof Storage)[];

/** The same store, whose verbs are spans below whatever waits for them. Their input is not looked at. */
export const traceStore = (storage: Storage, spans: Pick<Spans, 'around' | 'current'>): Storage => {
  const made = { ...storage };
  for (const contract of contracts) Object.assign(made, { [contract]: tracing(contract, storage[contract], spans) });
  return made;
};

const tracing = (name: string, contract: object, { around, current }: Pick<Spans, 'around' | 'current'>): object =>
  Object.fromEntries(
    Object.entries(contract).map(([verb, run]: [string, unknown]) => {
      // Those answer at once: they only begin to listen.
      if (typeof run !== 'function' || verb.startsWith('on')) return [verb, run];
      const attributes = { 'db.operation.name': verb, 'sallyport.store.contract': name };
      const label = `store ${verb}`;
      // Most requests are not recorded: those pay one look.
      const traced = (...input: unknown[]): unknown =>
        current() === undefined ? run(...input) : around(label, attributes, async () => run(...input));
      return [verb, traced];
    }),
  );
