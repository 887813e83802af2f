import { eventDefinitions, eventSchema, eventTypes } from '@sallyport/contract/events';

/** `docs/generated/events.md`: every type of event with its schema. */
export function eventsPage(): string {
  return [
    '# Events',
    '',
    'Generated from `contract/events.ts` by `npm run generate`; do not edit. How they leave, and how they are received: docs/guides/events.md.',
    '',
    'The issuer serves each schema at `<base path>/events/schemas/<type>/<version>.json`. A version only gains optional members: pass over',
    'those that you do not know.',
    '',
    '| type | version | tells that |',
    '|---|---|---|',
    ...eventTypes.map(
      (type) =>
        `| [\`${type}\`](#${type.toLowerCase()}) | ${eventDefinitions[type].version} | ${eventDefinitions[type].about} |`,
    ),
    '',
    ...eventTypes.flatMap((type) => [
      `## ${type}`,
      '',
      '```json',
      JSON.stringify(eventSchema(type), null, 2),
      '```',
      '',
    ]),
  ].join('\n');
}
