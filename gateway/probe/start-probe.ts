import type { Log } from '@sallyport/kit/log';
import type { GatewaySettings } from '../config.ts';
import { serviceAddress, type Trust } from '../http1/open-socket.ts';
import type { EffectiveRules } from '../routes/effective-rules.ts';
import { upstreamOptions } from '../upstreams/open-upstreams.ts';
import type { UpstreamOptions } from '../upstreams/upstream.ts';
import { pathsToAsk } from './paths-to-ask.ts';
import { type Finding, probeTarget } from './probe-target.ts';

export interface ProbeOptions {
  readonly settings: GatewaySettings;
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>;
  /** Told whenever something is known: whether each service answers without an assertion. Who is missing is not known. */
  readonly show: (answering: ReadonlyMap<string, boolean>) => void;
  readonly elapsedMs: () => number;
  readonly trust?: Trust | undefined;
  /** Between two questions to a server that is not up. Default 2 s. */
  readonly retryMs?: number;
  /** How long a server may take to come up. Default one minute. */
  readonly limitMs?: number;
}

export interface Probe {
  /** Asks the services of these rules, and no others any more. Returns at once. */
  ask(rules: EffectiveRules): void;
  close(): void;
}

const timeoutMs = 5000;

/** Asks nobody yet. */
export const startProbe = (options: ProbeOptions): Probe => {
  const { settings, log, show, elapsedMs, trust, retryMs = 2000, limitMs = 60_000 } = options;
  let asking = new AbortController();

  const askAll = async (rules: EffectiveRules, signal: AbortSignal): Promise<void> => {
    const known = new Map<string, boolean>();
    show(known);
    const paths = pathsToAsk(rules);
    const askOne = async ({ id, origins }: UpstreamOptions): Promise<void> => {
      const probed = origins.map(async (origin) => {
        const address = serviceAddress(origin, trust);
        const parts = { address, paths: paths.get(id) ?? [], signal, timeoutMs, retryMs, limitMs, elapsedMs };
        const finding = await probeTarget(parts);
        if (signal.aborted) return;
        tell(log, { service: id, target: origin }, finding);
        // One server that answers is enough, whatever the others of the service say.
        if (finding.verdict === 'answers') known.set(id, true);
        if (finding.verdict === 'refuses' && !known.has(id)) known.set(id, false);
        show(known);
      });
      await Promise.all(probed);
    };
    const asked = rules.services.filter(({ id }) => paths.has(id)).map((service) => upstreamOptions(settings, service));
    await Promise.all(asked.map(askOne));
  };

  return Object.freeze({
    ask: (rules: EffectiveRules) => {
      asking.abort();
      asking = new AbortController();
      askAll(rules, asking.signal).catch((error: unknown) => log.error({ err: error }, 'the probe of services failed'));
    },
    close: () => asking.abort(),
  });
};

const tell = (log: ProbeOptions['log'], about: object, { verdict, path, status }: Finding): void => {
  const fields = { ...about, path, status: status === 0 ? undefined : status };
  if (verdict === 'refuses') log.info(fields, 'the service refuses requests without an assertion');
  else if (verdict === 'answers') log.warn(fields, 'the service answers requests without an assertion');
  else if (verdict === 'not up')
    log.info(fields, 'not known whether the service refuses requests without an assertion: it did not come up in time');
  else log.info(fields, 'not known whether the service refuses requests without an assertion: none of its paths tells');
};
