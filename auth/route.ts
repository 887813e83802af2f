/**
 * What a room's `http.ts` speaks: one request in, one answer out, no framework. The app builds requests and writes answers, so
 * that authentication, limits and logging cannot be forgotten by a room.
 */
import type { AdminScope, CredentialId } from '@sallyport/contract';
import type { AdminRouteId } from '@sallyport/contract/admin-routes';
import type { RouteId } from '@sallyport/contract/routes';
import type { User } from '@sallyport/storage/contracts/accounts';
import type { Origin, Session } from '@sallyport/storage/contracts/sessions';
import type { ActContext } from '@sallyport/storage/contracts/store';
import type { Operations } from './operations.ts';
import type { PresentedProof } from './tokens/prove-key.ts';

/** Who calls a bearer route: token, session and account have been checked against the store. */
export interface Caller {
  readonly user: User;
  readonly session: Session;
}

/** What a request says about who calls. */
export interface Credentials {
  readonly authorization: string | undefined;
  readonly proof: PresentedProof | undefined;
}

export interface RouteRequest {
  /** Validated against the route's schema. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly params: Readonly<Record<string, string>>;
  /** One value of a header; a doubled one has been refused. */
  header(name: string): string | undefined;
  readonly cookieHeader: string | undefined;
  /** The `DPoP` header, unjudged; a doubled one has been refused. */
  readonly proof: PresentedProof | undefined;
  readonly context: ActContext;
  readonly origin: Origin;
  /** Names the account in the request's log line. */
  noteUser(userId: string): void;
}

export interface BearerRequest extends RouteRequest {
  readonly caller: Caller;
}

export interface CookieToSet {
  readonly name: string;
  /** Undefined: the cookie is cleared, with the same attributes. */
  readonly value: string | undefined;
  readonly maxAgeSeconds: number;
  readonly path: string;
}

export interface RouteAnswer {
  readonly status: number;
  readonly body: object | string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cookies?: readonly CookieToSet[];
}

export type OpenHandler = (request: RouteRequest) => Promise<RouteAnswer>;
export type BearerHandler = (request: BearerRequest) => Promise<RouteAnswer>;
/** Which rooms answer which routes: open ones take a request, bearer ones a caller as well. */
export type Handlers = Readonly<Partial<Record<RouteId, OpenHandler | BearerHandler>>>;

/** Who calls the admin API: a service, by a credential that lives and has the route's scope. */
export interface ServiceCaller {
  readonly id: CredentialId;
  readonly scopes: readonly AdminScope[];
}

export interface AdminRequest {
  /** All three validated against the route's schemas. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly caller: ServiceCaller;
  /** The caller is the actor. */
  readonly context: ActContext;
  /** What the caller does is done in its name. */
  readonly operations: Operations;
}

export type AdminHandler = (request: AdminRequest) => Promise<RouteAnswer>;
export type AdminHandlers = Readonly<Record<AdminRouteId, AdminHandler>>;
