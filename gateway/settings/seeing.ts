import { choiceSetting, shareSetting } from '@sallyport/kit/config';
import { tracingSettings } from '@sallyport/kit/tracing-settings';

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
  ...tracingSettings,
};
