/** The gateway's presets: the explicit list. A preset is data; nothing in the engine asks for its name. */
import type { GatewayPreset } from '../config.ts';
import { edgeGateway } from './edge-gateway.ts';
import { eventDriven } from './event-driven.ts';
import { microservices } from './microservices.ts';

export const presets: Readonly<Record<string, GatewayPreset>> = {
  microservices,
  'edge-gateway': edgeGateway,
  'event-driven': eventDriven,
};
