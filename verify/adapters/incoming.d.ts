/**
 * What the adapters for node:http, Express, Fastify and Hono share: reading the raw request and hiding identity headers.
 * Adapters translate between a framework and a guard; they decide nothing.
 */
import type { IncomingMessage } from 'node:http';
import type { Guard, GuardDecision } from '../guard/guard.ts';
/**
 * Asks the guard once about each request, however often it is mounted: a second look would find the header hidden, or the
 * assertion used.
 * @param target path and query as received, before any router changed them
 */
export declare const checkIncoming: (guard: Guard, request: IncomingMessage, target: string) => GuardDecision | Promise<GuardDecision>;
