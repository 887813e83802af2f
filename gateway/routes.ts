/**
 * The form of routes and services: data of a preset, a settings file or a route file (`routes/`). The most exact rule wins,
 * whatever the order: a path before a prefix, a longer prefix before a shorter, a rule with hosts before one without, one with
 * methods before one without.
 */

/** A service behind the gateway. */
export interface ServiceRule {
  /** `aud` of its assertions: lower-case letters, digits, `-`. */
  readonly id: string;
  /** Its origin, the origins of several equal servers, or the setting that gives it. Default: `defaultPort` on localhost. */
  readonly url?: string | readonly string[];
  /** Port on localhost, shifted with all other ports, where no origin is given. Default: that of the setting `url` names. */
  readonly defaultPort?: number;
  /** Gets the plain `X-Gateway-Signature` too. Default false. */
  readonly plain?: boolean;
  /** The issuer: credentials and auth cookies go on to it. Default false. */
  readonly issuer?: boolean;
  /** Default: UPSTREAM_CONNECT_TIMEOUT_SECONDS. */
  readonly connectTimeoutSeconds?: number;
  /** Until its answer begins, and between two parts of it. Default: UPSTREAM_TIMEOUT_SECONDS. */
  readonly timeoutSeconds?: number;
  /** Path at which each of its servers says that it is well, or that and how to ask. Default: they are not asked. */
  readonly health?: string | HealthRule;
}

/** How the servers of a service are asked whether they are well. */
export interface HealthRule {
  /** Asked with GET; 2xx is well. */
  readonly path: string;
  /** Between two questions. Default 2. */
  readonly intervalSeconds?: number;
  /** Default 2. */
  readonly timeoutSeconds?: number;
  /** Bad answers in a row that take a server out. Default 3. */
  readonly failures?: number;
  /** Good answers in a row that bring it in again. Default 2. */
  readonly successes?: number;
}

/** Settings that give a service's origin. */
export const serviceUrlSettings = Object.freeze([
  'authServiceUrl',
  'userServiceUrl',
  'paymentServiceUrl',
  'notificationServiceUrl',
  'backendServiceUrl',
  'profileServiceUrl',
] as const);

/** Where a service is whose setting is not given: the port on localhost that settings.md tells. */
export const serviceUrlPorts = Object.freeze({
  authServiceUrl: 8081,
  userServiceUrl: 8082,
  paymentServiceUrl: 8083,
  notificationServiceUrl: 8084,
  backendServiceUrl: 8082,
  profileServiceUrl: 8082,
}) satisfies Readonly<Record<(typeof serviceUrlSettings)[number], number>>;

/** A list alone means any of it. */
export type Needs = readonly string[] | { readonly any?: readonly string[]; readonly all?: readonly string[] };

/** What one user may do with the routes of one group. */
export interface UserLimitRule {
  readonly perMinute: number;
  /** Requests that may come at once before the rate holds. Default: a tenth of `perMinute`, at least 1. */
  readonly burst?: number;
  /** Rules of one group count together, and name the same numbers. Default: each rule by itself. */
  readonly group?: string;
}

/**
 * `public`: nobody is identified. `optional`: whoever sends credentials is identified, and refused where they are bad; without
 * any, anonymous. `required` (also spelt `protected`): an access token is needed.
 */
export type AccessRule = 'public' | 'optional' | 'required' | 'protected';

/** Forwards to a service. */
export interface ProxyRule {
  /** `/a/b` is that path alone, `/a/b/*` everything below it, `/*` everything. */
  readonly path: string;
  /** Names in `Host`, without port; lower case. Default: all. The client chooses what it sends: never a protection. */
  readonly hosts?: readonly string[];
  readonly service: string;
  readonly access: AccessRule;
  /** Default: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS. */
  readonly methods?: readonly string[];
  /** Cut off before forwarding. Default: nothing. */
  readonly stripPrefix?: string;
  /** Short names of the issuers whose tokens are taken; `own` is the gateway's own. Default: that one alone. */
  readonly issuers?: readonly string[];
  readonly roles?: Needs;
  readonly permissions?: Needs;
  /** Of the token's `scope` claim. */
  readonly scopes?: Needs;
  /**
   * When an unsafe method needs a CSRF token: `always` (of whoever is identified), `cookie` (where the access token's cookie was
   * sent), `never`. Default: `always` where access is required, `cookie` where it is optional.
   */
  readonly csrf?: 'always' | 'cookie' | 'never';
  readonly limits?: {
    readonly user?: UserLimitRule;
    /** Default: GATEWAY_BODY_LIMIT_BYTES. */
    readonly bodyBytes?: number;
  };
  /** Until the answer begins. Default: the service's. */
  readonly timeoutSeconds?: number;
  /** What becomes of a token while the revocation feed cannot speak of it. Default `refuse`: 503. */
  readonly whenRevocationUnknown?: 'refuse' | 'accept';
  /** The service gets `Authorization` and `DPoP` too. Default false. */
  readonly forwardAuthorization?: boolean;
}

/** Answered by the gateway itself, GET and HEAD. */
export interface OwnRule {
  readonly path: string;
  readonly answer: 'health' | 'ready';
}

export type RouteRule = ProxyRule | OwnRule;

/** A route file: what GATEWAY_ROUTES_FILE names. */
export interface RouteFile {
  readonly version: 1;
  /** Default: those of the preset. */
  readonly services?: readonly ServiceRule[];
  /** `/health` and `/ready` are added where they are not named. */
  readonly routes: readonly RouteRule[];
}

/** RFC 9110 §9: methods that a gateway can judge. CSRF protection rests on nothing unsafe being missing from its list. */
export const forwardedMethods = Object.freeze(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const);
export const ownMethods = Object.freeze(['GET', 'HEAD'] as const);
/** RFC 9110 §9.2.1. Whatever is not safe is protected; a new unsafe method would be by itself. */
export const safeMethods: readonly (string | undefined)[] = Object.freeze(['GET', 'HEAD', 'OPTIONS']);

/** The methods that a rule answers. */
export const methodsOf = (rule: RouteRule): readonly string[] =>
  'answer' in rule ? ownMethods : (rule.methods ?? forwardedMethods);

/** The access of a rule, in the one spelling. */
export const accessOf = ({ access }: ProxyRule): 'public' | 'optional' | 'required' =>
  access === 'protected' ? 'required' : access;

/** When a rule asks for CSRF tokens. */
export const csrfOf = (rule: ProxyRule): 'always' | 'cookie' | 'never' => {
  const access = accessOf(rule);
  if (access === 'public') return 'never';
  return rule.csrf ?? (access === 'required' ? 'always' : 'cookie');
};

/** Requests of one user that may come at once. */
export const burstOf = ({ perMinute, burst }: UserLimitRule): number =>
  burst ?? Math.max(1, Math.floor(perMinute / 10));
