import { eventDefinitions, eventSchema, eventSchemaPath, eventTypes } from '@sallyport/contract/events';
import type { FastifyInstance } from 'fastify';

/** The schemas of all events, for whoever receives them: what `dataschema` of an event points to where EVENT_SCHEMA_URL is set. */
export const mountEventSchemas = (app: FastifyInstance, basePath: string): void => {
  for (const type of eventTypes) {
    const text = JSON.stringify(eventSchema(type));
    const path = eventSchemaPath(type, eventDefinitions[type].version);
    app.get(`${basePath}/events/schemas/${path}`, async (_, reply) =>
      reply.type('application/schema+json; charset=utf-8').header('cache-control', 'public, max-age=3600').send(text),
    );
  }
};
