import { choiceSetting } from '@sallyport/kit/config';
import { tracingSettings as shared } from '@sallyport/kit/tracing-settings';

export const tracingSettings = {
  ...shared,
  tracesSampler: choiceSetting({
    env: 'OTEL_TRACES_SAMPLER',
    values: ['parentbased_traceidratio', 'traceidratio'],
    default: 'parentbased_traceidratio',
    doc: 'Who chooses among requests that come through a gateway: the gateway, so that a trace is whole; or, with `traceidratio`, chance here, for a gateway that sends no spans. Strangers never do.',
  }),
};
