import { choiceSetting, shareSetting, urlSetting } from '@sallyport/kit/config';

/** What is told of requests: log and spans. */
export const seeingSettings = {
  logLevel: choiceSetting({
    env: 'LOG_LEVEL',
    values: ['debug', 'info', 'warn', 'error', 'silent'],
    default: 'info',
    doc: 'Least level that is logged.',
  }),
  accessLogSample: shareSetting({
    env: 'ACCESS_LOG_SAMPLE',
    default: 1,
    doc: 'Share of the answers below 400 that have a line in the access log; such a line says `sample`. What was refused, cut short or failed is always logged. Metrics count everything.',
  }),
  tracesUrl: urlSetting({
    env: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    optional: true,
    doc: 'Where spans go, as OTLP over HTTP, path included: `http://collector:4318/v1/traces`. Default: nowhere.',
  }),
  tracesSample: shareSetting({
    env: 'OTEL_TRACES_SAMPLER_ARG',
    default: 0.05,
    doc: 'Share of requests whose spans are sent; those that a trusted proxy has chosen come on top.',
  }),
};
