/** Issuers that carry no events themselves, and relays that do, all on one store: to be killed and started again. */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type IssuerClient, issuerClient } from '../client.ts';
import { type Issuer, type IssuerFolder, type ServerProcess, startIssuer, startProcess } from '../issuer-process.ts';

export const quickIssuer = fileURLToPath(new URL('./quick-issuer.ts', import.meta.url));
const relayEntry = fileURLToPath(import.meta.resolve('@sallyport/auth/relay'));

export interface Fleet {
  /** Of the issuers that stand; any of them. */
  client(): IssuerClient;
  /** kill -9 of one of all, and its start. */
  killOne(): Promise<'issuer' | 'relay'>;
  /** One of the relays stands still for so long, then goes on where it was. */
  pauseOne(ms: number): Promise<void>;
  stop(): Promise<void>;
}

export const startFleet = async (
  folder: IssuerFolder,
  { issuers, relays, random }: { readonly issuers: number; readonly relays: number; readonly random: () => number },
): Promise<Fleet> => {
  const startRelay = () => startProcess(folder, relayEntry, { EVENT_RELAY_PORT: '0' });
  const running: Issuer[] = [];
  // One after the other: the first makes the schema.
  for (let count = 0; count < issuers; count += 1) running.push(await startIssuer(folder, 0, quickIssuer));
  const carrying: ServerProcess[] = await Promise.all(Array.from({ length: relays }, startRelay));
  const clients = running.map(({ url }) => issuerClient(url));
  const pick = (length: number): number => Math.floor(random() * length);
  return {
    client: () => clients[pick(clients.length)] as IssuerClient,
    killOne: async () => {
      const at = pick(running.length + carrying.length);
      const issuer = running[at];
      if (issuer !== undefined) {
        await issuer.kill();
        running[at] = await startIssuer(folder, issuer.port, quickIssuer);
        return 'issuer';
      }
      await carrying[at - running.length]?.kill();
      carrying[at - running.length] = await startRelay();
      return 'relay';
    },
    pauseOne: async (ms) => {
      const goOn = carrying[pick(carrying.length)]?.pause();
      await sleep(ms);
      goOn?.();
    },
    stop: async () => {
      await Promise.all(clients.map((client) => client.close()));
      await Promise.all([...running, ...carrying].map((server) => server.stop()));
    },
  };
};
