import { shareSetting, urlSetting } from './config.ts';

/** Where spans go and how many: the same names at every server. */
export const tracingSettings = {
  tracesUrl: urlSetting({
    env: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    optional: true,
    doc: 'Where spans go, as OTLP over HTTP, path included: `http://collector:4318/v1/traces`. Default: nowhere.',
  }),
  tracesSample: shareSetting({
    env: 'OTEL_TRACES_SAMPLER_ARG',
    default: 0.05,
    doc: 'Share of requests whose spans are sent; a trusted caller chooses beside it: at the gateway one of TRUSTED_PROXIES, at the issuer the gateway.',
  }),
};
