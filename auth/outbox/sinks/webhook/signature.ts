/** Standard Webhooks 1.0: what is signed, and how it is written down. */
import { createHmac } from 'node:crypto';

const form = /^whsec_([A-Za-z0-9+/]+={0,2})$/;
/** The specification: 24 to 64 bytes. */
const keyBytes = { least: 24, most: 64 } as const;

/** The key of a secret; undefined: it has another form. */
export const webhookKey = (secret: string): Buffer | undefined => {
  const [, text = ''] = form.exec(secret) ?? [];
  const key = Buffer.from(text, 'base64');
  const isKey = key.length >= keyBytes.least && key.length <= keyBytes.most;
  return isKey && key.toString('base64').replace(/=+$/, '') === text.replace(/=+$/, '') ? key : undefined;
};

/** Between spaces or commas. */
export const webhookSecretsOf = (text: string): readonly string[] => text.split(/[\s,]+/).filter((part) => part !== '');

export interface SignedMessage {
  readonly id: string;
  readonly timestampSeconds: number;
  readonly body: string;
}

/** `webhook-signature`: one for each key, so that a receiver that holds either of two is content while they are changed. */
export const webhookSignature = ({ id, timestampSeconds, body }: SignedMessage, keys: readonly Buffer[]): string =>
  keys
    .map((key) => `v1,${createHmac('sha256', key).update(`${id}.${timestampSeconds}.${body}`).digest('base64')}`)
    .join(' ');
