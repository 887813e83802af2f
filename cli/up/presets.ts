/**
 * `sallyport up`: a preset's whole example, each server its own process under one supervisor.
 * Owns the data folder with its lock and secrets, the children and their logs. `up.ts` reads as the order of things.
 * Never: serves a request, knows a preset by name, or hands a server another server's secret. What is started, and who
 * holds which secret, is data of the example (`servers.json`).
 */

/** Where each preset lists its servers: the explicit list. */
export const presets: Readonly<Record<string, string>> = {
  microservices: import.meta.resolve('@sallyport/example-microservices/servers.json'),
  'cookie-spa': import.meta.resolve('@sallyport/example-cookie-spa/servers.json'),
  'edge-gateway': import.meta.resolve('@sallyport/example-edge-gateway/servers.json'),
  'event-driven': import.meta.resolve('@sallyport/example-event-driven/servers.json'),
};

/** Contracts that no example runs yet. */
export const comingPresets: readonly string[] = ['device-chat'];
