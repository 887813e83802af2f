/** What is wrong with a gateway's settings, routes, certificate, issuer, feed, services and clock, found from beside it. Changes nothing. */
import { connect } from 'node:net';
import { revocationFeedPath } from '@sallyport/contract';
import { SettingsError } from '@sallyport/kit/config';
import { type Finding, findingsOn, settingFaults } from '@sallyport/kit/finding';
import type { ServerInput } from '@sallyport/kit/lifecycle';
import { certificateFindings } from '@sallyport/kit/tls-finding';
import { redisPlace } from '@sallyport/storage/redis/settings';
import { checkGatewaySettings, type GatewaySettings } from './config.ts';
import { loadGatewaySettings } from './load-settings.ts';
import { feedOrigin } from './revocations.ts';
import { readRules } from './routes/effective-rules.ts';
import { privateTlsFiles, publicTlsFiles, upstreamTlsFiles } from './settings/tls.ts';
import { issuerFetch } from './tls/issuer-fetch.ts';
import { issuerOrigin, serviceOrigins } from './upstreams/open-upstreams.ts';

type SettingsInput = Partial<ServerInput> & Pick<ServerInput, 'env'>;

const timeoutMs = 3000;

/** Findings in the order in which they are best mended. */
export const examineGateway = async (input: SettingsInput): Promise<readonly Finding[]> => {
  const about = findingsOn('gateway: settings');
  let settings: GatewaySettings;
  let warnings: readonly string[];
  try {
    ({ settings, warnings } = loadGatewaySettings(input, checkGatewaySettings));
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return settingFaults('gateway: settings', error);
  }
  return [
    ...(warnings.length === 0
      ? [about.ok('complete')]
      : warnings.map((warning) => about.warning(warning, 'Meant for tests and first steps only.'))),
    ...[publicTlsFiles, privateTlsFiles, upstreamTlsFiles].flatMap((of) =>
      certificateFindings('gateway', of(settings)),
    ),
    ...(await examineRoutes(settings)),
    ...(await examineIssuerOf(settings)),
    ...(await examineFeed(settings)),
    ...(await examineRedis(settings)),
  ];
};

const examineRoutes = async (settings: GatewaySettings): Promise<readonly Finding[]> => {
  const about = findingsOn('gateway: routes');
  const { rules, problems, warnings } = await readRules(settings, settings.routesFile);
  if (rules === undefined)
    return problems.map((problem) => about.fault(problem, '`sallyport routes check` shows them with their place.'));
  const services = await Promise.all(
    rules.services.flatMap((service) =>
      serviceOrigins(settings, service).map((origin) => examineService(service.id, origin)),
    ),
  );
  return [
    about.ok(`${rules.routes.length} routes to ${rules.services.length} services`),
    ...warnings.map((warning) => about.warning(warning, 'Look whether that is meant.')),
    ...services,
  ];
};

const examineService = async (id: string, origin: string): Promise<Finding> => {
  const about = findingsOn(`gateway: service ${id}`);
  const { hostname, port, protocol } = new URL(origin);
  const number = Number(port || (protocol === 'https:' ? 443 : 80));
  const reason = await reach(hostname.replace(/^\[|\]$/g, ''), number);
  return reason === undefined
    ? about.ok(`${origin} takes connections`)
    : about.warning(
        `${origin} takes no connection (${reason})`,
        'Start it, or mend its address; until then its routes answer 502.',
      );
};

/** Undefined: somebody listens. */
const reach = (
  host: string,
  port: number,
  say?: string,
  answer?: (text: string) => void,
): Promise<string | undefined> =>
  new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (reason: string | undefined): void => {
      socket.destroy();
      resolve(reason);
    };
    socket.setTimeout(timeoutMs, () => end('no answer'));
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? 'error'));
    socket.once('connect', () => {
      if (say === undefined) end(undefined);
      else socket.write(say);
    });
    socket.once('data', (data) => {
      answer?.(data.toString('latin1'));
      end(undefined);
    });
  });

interface PublishedKeys {
  readonly keys: readonly { readonly alg?: string }[];
}

const examineIssuerOf = async (settings: GatewaySettings): Promise<readonly Finding[]> => {
  const about = findingsOn('gateway: issuer');
  const { jwtAlgorithm, jwtPublicKeyPath } = settings;
  const url = `${issuerOrigin(settings)}/.well-known/jwks.json`;
  let answer: Response;
  let published: PublishedKeys;
  try {
    const ask = issuerFetch(settings, url) ?? fetch;
    answer = await ask(url, { signal: AbortSignal.timeout(timeoutMs) });
    published = (await answer.json()) as PublishedKeys;
  } catch {
    const mend = 'Start the issuer, or mend AUTH_SERVICE_URL; until then no token can be verified.';
    return [about.fault(`${url} gives no key set`, mend)];
  }
  const clock = examineClock(settings, answer.headers.get('date'));
  if (jwtAlgorithm === 'HS256' || jwtPublicKeyPath !== undefined) return [about.ok(`${url} answers`), ...clock];
  const algorithms = [...new Set((published.keys ?? []).map(({ alg }) => alg))];
  if (algorithms.includes(jwtAlgorithm)) return [about.ok(`${published.keys.length} keys at ${url}`), ...clock];
  const found =
    algorithms.length === 0
      ? `${url} publishes no key, and JWT_ALGORITHM is ${jwtAlgorithm}: the issuer signs with HS256`
      : `${url} publishes keys for ${algorithms.join(', ')}, and JWT_ALGORITHM is ${jwtAlgorithm}`;
  return [about.fault(found, 'Give issuer and gateway the same JWT_ALGORITHM.'), ...clock];
};

/** RFC 9110 §6.6.1: to the second, so half a second is nothing. */
const examineClock = (settings: GatewaySettings, date: string | null): readonly Finding[] => {
  const about = findingsOn('gateway: clock');
  const told = Date.parse(date ?? '');
  if (Number.isNaN(told)) return [];
  const apartSeconds = Math.round((Date.now() + settings.clockOffsetSeconds * 1000 - told) / 1000);
  const text = `${Math.abs(apartSeconds)} s ${apartSeconds < 0 ? 'behind' : 'ahead of'} that of the issuer`;
  const mend = 'Let both machines keep time by NTP.';
  if (Math.abs(apartSeconds) > settings.clockLeewaySeconds)
    return [about.fault(`${text}: more than CLOCK_LEEWAY_SECONDS (${settings.clockLeewaySeconds})`, mend)];
  return [Math.abs(apartSeconds) > settings.clockLeewaySeconds / 2 ? about.warning(text, mend) : about.ok(text)];
};

const examineFeed = async (settings: GatewaySettings): Promise<readonly Finding[]> => {
  const about = findingsOn('gateway: revocation feed');
  if (!settings.revocationFeed)
    return [about.warning('switched off: tokens live until they expire', 'Leave REVOCATION_FEED unset.')];
  const url = `${feedOrigin(settings)}${revocationFeedPath}`;
  let answer: Response;
  let text: string;
  try {
    const headers = { authorization: `Bearer ${settings.revocationFeedToken ?? ''}`, accept: 'text/event-stream' };
    const ask = issuerFetch(settings, url) ?? fetch;
    answer = await ask(url, { headers, redirect: 'error', signal: AbortSignal.timeout(timeoutMs) });
    text = await firstPart(answer);
  } catch {
    const mend =
      "REVOCATION_FEED_URL is the issuer's private listener (its port + 1000): is it up, and may this host reach it?";
    return [about.fault(`${url} does not answer`, mend)];
  }
  if (answer.status !== 200) {
    const mend = 'Make its token anew where the issuer has its root keys: sallyport keys feed <subscriber>.';
    return [about.fault(`${url} answers ${answer.status} to REVOCATION_FEED_TOKEN`, mend)];
  }
  const issuer = /"issuer":("(?:[^"\\]|\\.)*")/.exec(text)?.[1];
  const named = issuer === undefined ? undefined : (JSON.parse(issuer) as string);
  if (named !== undefined && named !== settings.issuer) {
    const found = `the issuer calls itself ${named}, and JWT_ISSUER is ${settings.issuer}`;
    return [about.fault(found, 'Give both the same JWT_ISSUER: every token is refused.')];
  }
  return [about.ok(`${url} lets this gateway in`)];
};

/** Of a stream that never ends: what says who speaks. */
const firstPart = async (answer: Response): Promise<string> => {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of answer.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (answer.status !== 200 || text.includes('\n\n')) break;
  }
  return text;
};

const examineRedis = async (settings: GatewaySettings): Promise<readonly Finding[]> => {
  const place = redisPlace(settings);
  if (place === undefined) return [];
  const about = findingsOn('gateway: Redis');
  const { hostname, port, protocol } = new URL(place.url);
  const host = hostname.replace(/^\[|\]$/g, '');
  // With TLS the first word is not ours to say.
  const isTls = protocol === 'rediss:';
  let said = '';
  const reason = await reach(host, Number(port || 6379), isTls ? undefined : 'PING\r\n', (text) => {
    said = text;
  });
  const mend = 'Start it, or mend REDIS_URL; until then every gateway counts by itself.';
  if (reason !== undefined) return [about.fault(`${host} takes no connection (${reason})`, mend)];
  const isRedis = isTls || /^(?:\+PONG|-NOAUTH)/.test(said);
  return [isRedis ? about.ok(`${host} answers`) : about.fault(`${host} answers, and not as a Redis`, mend)];
};
