import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { Problem } from '@sallyport/contract';
import { type Listener, listen, type ServerCertificate } from './listener-open.ts';
import type { Metrics } from './metrics.ts';
import { type ProblemLog, problemFromError, writeProblem } from './problem.ts';

export interface ReadyState {
  readonly ready: boolean;
  /** What was looked at, by name, for example `store: true`. */
  readonly checks?: Readonly<Record<string, boolean>>;
}

type Route = (req: IncomingMessage, res: ServerResponse) => void | Promise<void>;

export interface PrivateListenerOptions {
  readonly port: number;
  /** Default: the loopbacks. Whoever opens it wider has to guard it. */
  readonly hosts?: readonly string[];
  readonly setting?: string;
  /** Default: plain HTTP. */
  readonly certificate?: ServerCertificate | undefined;
  readonly metrics: Pick<Metrics, 'text' | 'contentType'>;
  readonly ready: () => ReadyState | Promise<ReadyState>;
  /** The body of `GET /health`. Default `{ status: 'healthy' }`. */
  readonly live?: () => Readonly<Record<string, unknown>>;
  /** Further routes: `GET /v1/revocations` -> handler. A path stands for itself alone, whatever its query. */
  readonly routes?: Readonly<Record<string, Route>>;
  readonly log: ProblemLog;
}

/** Opens the private listener: `GET /metrics`, `GET /ready`, `GET /health` and the given routes; all else is 404. */
export const privateListener = (options: PrivateListenerOptions): Promise<Listener> => {
  const { port, hosts, setting, certificate } = options;
  const handler = privateHandler(options);
  return listen({
    handler,
    port,
    certificate,
    ...(hosts !== undefined && { hosts }),
    ...(setting !== undefined && { setting }),
  });
};

const privateHandler = (options: PrivateListenerOptions): RequestListener => {
  const { metrics, ready, live = () => ({ status: 'healthy' }), log } = options;
  const routes = new Map<string, Route>([
    ['GET /metrics', async (_, res) => sendText(res, metrics.contentType, await metrics.text())],
    ['GET /ready', async (_, res) => sendReady(res, await ready())],
    ['GET /health', (_, res) => sendJson(res, live())],
    ...Object.entries(options.routes ?? {}),
  ]);
  const answer: Route = async (req, res) => {
    try {
      await routeOf(routes, req)(req, res);
    } catch (error) {
      const problem = problemFromError(error);
      // Not yet is an answer to a probe, and no failure.
      if (problem.status >= 500 && problem.code !== 'not_ready')
        log.error({ code: problem.code, err: problem.cause ?? problem }, 'request failed');
      writeProblem(res, problem, {});
    }
  };
  return function answerPrivately(req, res) {
    void answer(req, res);
  };
};

const routeOf = (routes: ReadonlyMap<string, Route>, req: IncomingMessage): Route => {
  const [path = '/'] = (req.url ?? '/').split('?', 1);
  const method = req.method === 'HEAD' ? 'GET' : req.method;
  const route = routes.get(`${method} ${path}`);
  if (route === undefined) throw new Problem('route_unknown', { extensions: { path } });
  return route;
};

const sendReady = (res: ServerResponse, { ready, checks = {} }: ReadyState): void => {
  if (!ready) throw new Problem('not_ready', { retryAfterSeconds: 1, extensions: checks });
  sendJson(res, { status: 'ready', ...checks });
};

const sendJson = (res: ServerResponse, body: Readonly<Record<string, unknown>>): void =>
  sendText(res, 'application/json', JSON.stringify(body));

const sendText = (res: ServerResponse, contentType: string, text: string): void => {
  res.writeHead(200, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  res.end(text);
};
