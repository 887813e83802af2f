/** The issuer's presets: the explicit list. A preset is data; nothing in the engine asks for its name. */
import type { AuthPreset } from '../config.ts';
import { cookieSpa } from './cookie-spa.ts';
import { edgeGateway } from './edge-gateway.ts';
import { eventDriven } from './event-driven.ts';
import { microservices } from './microservices.ts';

export const presets: Readonly<Record<string, AuthPreset>> = {
  microservices,
  'cookie-spa': cookieSpa,
  'edge-gateway': edgeGateway,
  'event-driven': eventDriven,
};
