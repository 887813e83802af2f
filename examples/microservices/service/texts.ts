import type { ErrorTexts } from '@sallyport/contract';

const notThroughGateway = 'User context missing. Request must come through API Gateway.';
const notAuthentic = 'Invalid gateway signature. Request may not be authentic.';
const invalidBody = 'Invalid request body';

/** contracts/microservices.md, "Services": the literal texts beside the stable codes. */
export const serviceTexts: ErrorTexts = {
  assertion_missing: { error: notThroughGateway },
  assertion_invalid: { error: notAuthentic },
  assertion_replayed: { error: notAuthentic },
  body_invalid: { error: invalidBody },
  field_missing: { error: invalidBody },
  field_invalid: { error: invalidBody },
};
