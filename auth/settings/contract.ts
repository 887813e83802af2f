/** What presets differ in: shapes and literal texts. Most can be given by a preset or a file only. */
import type { ErrorTexts } from '@sallyport/contract';
import type { RouteId, RouteShape } from '@sallyport/contract/routes';
import { booleanSetting, dataSetting } from '@sallyport/kit/config';

/** Texts of answers that carry a `message`. */
export interface MessageTexts {
  readonly registered: string;
  readonly loggedIn: string;
  readonly refreshed: string;
  readonly loggedOut: string;
  readonly loggedOutEverywhere: string;
  readonly revoked: string;
  readonly sessionEnded: string;
  readonly otherSessionsEnded: string;
  readonly passwordChanged: string;
  readonly accountDeleted: string;
  readonly deviceConfirmed: string;
  readonly deviceChanged: string;
  readonly deviceRevoked: string;
  readonly otherDevicesRevoked: string;
}

const defaultMessages: MessageTexts = {
  registered: 'User registered successfully',
  loggedIn: 'Login successful',
  refreshed: 'Token refreshed successfully',
  loggedOut: 'Logged out successfully',
  loggedOutEverywhere: 'logged out from all devices',
  revoked: 'Token revoked successfully',
  sessionEnded: 'Session ended',
  otherSessionsEnded: 'Other sessions ended',
  passwordChanged: 'Password changed successfully',
  accountDeleted: 'Account deleted successfully',
  deviceConfirmed: 'Device registered',
  deviceChanged: 'Device changed',
  deviceRevoked: 'Device revoked',
  otherDevicesRevoked: 'Other devices revoked',
};

const isObject = (value: unknown): string | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? undefined : 'must be an object';

export const contractSettings = {
  shape: dataSetting<RouteShape>({
    default: {
      identifier: 'email',
      requiredFields: [],
      optionalFields: ['name', 'first_name', 'last_name', 'display_name', 'phone_number'],
    },
    check: isObject,
    doc: 'Login identifier and fields of a registration.',
  }),
  registrationIssuesTokens: booleanSetting({
    env: 'REGISTRATION_ISSUES_TOKENS',
    default: false,
    doc: 'A registration is a login at once.',
  }),
  errorTexts: dataSetting<ErrorTexts>({
    default: {},
    check: isObject,
    doc: "The contract's literal `error` and `hint` texts by code.",
  }),
  routeErrorTexts: dataSetting<Readonly<Partial<Record<RouteId, ErrorTexts>>>>({
    default: {},
    check: isObject,
    doc: 'The same for single routes, over `errorTexts`.',
  }),
  messageTexts: dataSetting<MessageTexts>({
    default: defaultMessages,
    check: isObject,
    doc: "The contract's literal `message` texts.",
  }),
};
