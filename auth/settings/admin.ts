/** The admin API: whether it is served, and where. */
import { integerSetting, listSetting, portSetting, type SettingProblem } from '@sallyport/kit/config';
import { maxCounterLimit } from '@sallyport/storage/contracts/counters';

export const adminSettings = {
  adminPort: portSetting({
    env: 'ADMIN_PORT',
    optional: true,
    doc: 'Port of the admin API (docs/guides/admin-api.md). Default: it is not served.',
  }),
  adminHost: listSetting({
    env: 'ADMIN_HOST',
    optional: true,
    doc: 'Addresses of the admin API. Default: both loopbacks. Open it to a private network alone, and never to the one that gateways are in.',
  }),
  adminLimitPerMinute: integerSetting({
    env: 'ADMIN_LIMIT_PER_MINUTE',
    min: 0,
    max: maxCounterLimit,
    default: 600,
    doc: 'Requests a minute from one credential at the admin API, exactly, on all issuers together; 0: no limit.',
  }),
};

/** Whoever opens a host without a port believes that something is served there. */
export const adminProblems = ({
  adminPort,
  adminHost,
}: {
  readonly adminPort?: number | undefined;
  readonly adminHost?: readonly string[] | undefined;
}): readonly SettingProblem[] =>
  adminHost !== undefined && adminPort === undefined
    ? [{ setting: 'ADMIN_HOST', problem: 'is set without ADMIN_PORT: nothing would be served there' }]
    : [];
