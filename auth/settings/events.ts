/** Where events go, and what carries them there. */
import {
  booleanSetting,
  choiceSetting,
  durationSetting,
  integerSetting,
  portSetting,
  type SettingProblem,
  textSetting,
  urlSetting,
} from '@sallyport/kit/config';
import { type EventSinkName, eventSinkNames } from '../outbox/sinks/name.ts';
import { webhookKey, webhookSecretsOf } from '../outbox/sinks/webhook/signature.ts';

const maxSecrets = 4;
const secretsProblem = (text: string): string | undefined => {
  const secrets = webhookSecretsOf(text);
  if (secrets.length === 0 || secrets.length > maxSecrets) return `must hold one to ${maxSecrets} secrets`;
  if (new Set(secrets).size !== secrets.length) return 'holds a secret twice';
  return secrets.every((secret) => webhookKey(secret) !== undefined)
    ? undefined
    : 'must hold secrets of the form whsec_<base64 of 24 to 64 bytes>; make one with: echo "whsec_$(openssl rand -base64 32)"';
};

export const eventsSettings = {
  eventSink: choiceSetting({
    env: 'EVENT_SINK',
    values: eventSinkNames,
    optional: true,
    doc: 'Where events go. Default: `kafka` where `KAFKA_BROKERS` is set, else `webhook` where `WEBHOOK_URL` is, else `log`, which prints each as a line of JSON.',
  }),
  eventRelay: booleanSetting({
    env: 'EVENT_RELAY',
    default: true,
    doc: 'Whether this issuer carries events out itself. `off`: `sallyport relay` does, any number of them; without one, events pile up.',
  }),
  eventRelayPort: portSetting({
    env: 'EVENT_RELAY_PORT',
    default: 9089,
    doc: 'Port of `sallyport relay` for health and metrics, on `PRIVATE_HOST`.',
  }),
  eventSource: textSetting({
    env: 'EVENT_SOURCE',
    default: '/auth',
    pattern: /^[\x21-\x7e]{1,255}$/,
    doc: '`source` of every event (CloudEvents 1.0): a URI reference.',
  }),
  eventSchemaUrl: urlSetting({
    env: 'EVENT_SCHEMA_URL',
    optional: true,
    check: (url) => (/[?#]/.test(url) ? 'must not hold a query or a fragment' : undefined),
    doc: 'Where receivers reach `/events/schemas` of the issuer, for example `https://auth.example.org/events/schemas`: `dataschema` of every event begins with it. Default: `dataschema` is a name, `urn:sallyport:event:<type>:<version>`.',
  }),
  eventBatchSize: integerSetting({
    env: 'EVENT_BATCH_SIZE',
    min: 1,
    max: 10_000,
    default: 200,
    doc: 'Events that one relay has under way at once: so many at most are sent twice when it is killed.',
  }),
  eventLeaseSeconds: durationSetting({
    env: 'EVENT_LEASE_SECONDS',
    unit: 'seconds',
    min: 2,
    max: 300,
    default: 10,
    doc: 'How long a relay has a share of the users to itself without renewing it: so long their events wait when it is killed.',
  }),
  eventMaxTries: integerSetting({
    env: 'EVENT_MAX_TRIES',
    min: 1,
    max: 100,
    default: 10,
    doc: 'How often an event that the receiver refuses is tried, with growing pauses (ten tries take six to nine minutes), before it is a dead letter. A receiver that is away is waited for without end.',
  }),
  webhookUrl: urlSetting({
    env: 'WEBHOOK_URL',
    optional: true,
    secret: true,
    check: (url) => (url.includes('#') ? 'must not hold a fragment' : undefined),
    insecure: (url) =>
      url?.startsWith('http:') && !/^http:\/\/(?:localhost|127(?:\.\d+){3}|\[::1\])[:/]/.test(url)
        ? 'is plain HTTP: anybody on the way reads the events'
        : undefined,
    doc: 'Where the webhook sink posts events (Standard Webhooks, docs/guides/events.md).',
  }),
  webhookSecrets: textSetting({
    env: 'WEBHOOK_SECRETS',
    optional: true,
    secret: true,
    check: secretsProblem,
    doc: 'Secrets that webhooks are signed with, `whsec_<base64>`, one to four between spaces: each makes a signature, so that the receiver can change from one to the next.',
  }),
  webhookTimeoutSeconds: durationSetting({
    env: 'WEBHOOK_TIMEOUT_SECONDS',
    unit: 'seconds',
    min: 1,
    max: 60,
    default: 10,
    doc: 'How long a receiver may take to answer.',
  }),
  webhookAllowPrivateAddresses: booleanSetting({
    env: 'WEBHOOK_ALLOW_PRIVATE_ADDRESSES',
    default: false,
    doc: 'Lets webhooks go to loopback, private and link-local addresses: on where the receiver is a service of your own network. Whoever may change `WEBHOOK_URL` then reaches that network.',
  }),
};

interface EventsSettings {
  readonly eventSink: EventSinkName | undefined;
  readonly webhookUrl: string | undefined;
  readonly webhookSecrets: string | undefined;
}

export const eventsProblems = ({
  eventSink,
  webhookUrl,
  webhookSecrets,
}: EventsSettings): readonly SettingProblem[] => {
  const problems: SettingProblem[] = [];
  if (eventSink === 'webhook' && webhookUrl === undefined)
    problems.push({ setting: 'WEBHOOK_URL', problem: 'is required by EVENT_SINK=webhook' });
  if (webhookUrl !== undefined && webhookSecrets === undefined)
    problems.push({
      setting: 'WEBHOOK_SECRETS',
      problem:
        'is required by WEBHOOK_URL: without a signature anybody could send events; make one with: echo "whsec_$(openssl rand -base64 32)"',
    });
  return problems;
};
