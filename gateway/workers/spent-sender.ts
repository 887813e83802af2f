import { agreedLimits } from '../limits/agreed-limits.ts';
import { createLedger } from '../limits/ledger.ts';
import type { OpenLimits } from '../limits/open-limits.ts';
import type { MakeGcra } from '../rate-limiter.ts';
import type { SpentMessage } from './messages.ts';

const sendEveryMs = 100;
const maxKeys = 65_536;
const maxKeysPerMessage = 5000;

/** Limits of a worker whose main thread agrees with other gateways: it is told in the background what was let through here. */
export const sentLimits = (makeGcra: MakeGcra, send: (spent: readonly SpentMessage[]) => void): OpenLimits => {
  const ledger = createLedger({ maxKeys });
  const sendAll = (): void => {
    const spent = ledger.take(maxKeysPerMessage);
    if (spent.length > 0)
      send(spent.map(({ limit: { name, numbers }, key, count }) => ({ name, numbers, key, count })));
  };
  const timer = setInterval(sendAll, sendEveryMs);
  timer.unref();
  return Object.freeze<OpenLimits>({
    make: agreedLimits(makeGcra, ledger),
    close: async () => {
      clearInterval(timer);
      sendAll();
    },
  });
};
