import type { AuthSettings } from '../../../config.ts';
import type { EventSink, SinkParts } from '../sink.ts';
import { createSender } from './send.ts';
import { webhookKey, webhookSecretsOf } from './signature.ts';
import { createWebhookSink } from './webhook.ts';

/** More wait for a connection. */
const mostConnections = 64;

/** @throws Error where the settings name no receiver; `eventsProblems` refuses that before */
export const openWebhookSink = (
  {
    webhookUrl: url,
    webhookSecrets = '',
    webhookTimeoutSeconds,
    webhookAllowPrivateAddresses: allowPrivate,
  }: Pick<AuthSettings, 'webhookUrl' | 'webhookSecrets' | 'webhookTimeoutSeconds' | 'webhookAllowPrivateAddresses'>,
  { traceparent }: SinkParts = {},
): EventSink => {
  const keys = webhookSecretsOf(webhookSecrets).flatMap((secret) => webhookKey(secret) ?? []);
  if (url === undefined || keys.length === 0) throw new Error('WEBHOOK_URL and WEBHOOK_SECRETS are required');
  const sender = createSender({
    url,
    allowPrivate,
    timeoutMs: webhookTimeoutSeconds * 1000,
    connections: mostConnections,
  });
  // Receivers compare with their own clock: the time is the system's, not one that a test has moved.
  return createWebhookSink({ sender, keys, nowMs: Date.now, traceparent });
};
