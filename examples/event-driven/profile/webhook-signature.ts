/** Standard Webhooks (standardwebhooks.com, 1.0.0): who posts an event, and that nobody has kept it to post it again. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { SettingsError } from '@sallyport/example-kit/environment';

/** `whsec_` and base64 of 24 to 64 bytes; several with spaces between while a secret is changed. @throws SettingsError */
export const readWebhookKeys = (text = ''): readonly Buffer[] =>
  text
    .split(/[\s,]+/)
    .filter((part) => part !== '')
    .map((part) => {
      const key = Buffer.from(part.replace(/^whsec_/, ''), 'base64');
      if (!part.startsWith('whsec_') || key.length < 24 || key.length > 64)
        throw new SettingsError('WEBHOOK_SECRETS must be whsec_ and base64 of 24 to 64 bytes');
      return key;
    });

/** The same tolerance as every library of the standard has. */
const toleranceSeconds = 300;

export interface SignedRequest {
  /** `webhook-id`, `webhook-timestamp`, `webhook-signature`, as they came. */
  readonly id: unknown;
  readonly timestamp: unknown;
  readonly signature: unknown;
  /** Exactly as it came. */
  readonly body: string;
}

/** An older request is refused, so what came twice within the tolerance is the event that was applied once already. */
export const isSigned = (request: SignedRequest, keys: readonly Buffer[], nowMs: number): boolean => {
  const { id, timestamp, signature, body } = request;
  if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signature !== 'string') return false;
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(nowMs / 1000 - Number(timestamp)) > toleranceSeconds) return false;
  const expected = keys.map((key) => createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest());
  return signature.split(' ').some((part) => {
    const [version, text] = part.split(',');
    const given = Buffer.from(text ?? '', 'base64');
    return version === 'v1' && expected.some((each) => each.length === given.length && timingSafeEqual(each, given));
  });
};
