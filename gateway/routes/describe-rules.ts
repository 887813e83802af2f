import { accessOf, csrfOf, methodsOf, type Needs, type RouteRule } from '../routes.ts';

/** One rule as a person reads it. */
export interface RouteDescription {
  readonly path: string;
  readonly methods: readonly string[];
  readonly hosts: readonly string[];
  /** A service's id, or `(gateway)`. */
  readonly to: string;
  readonly access: 'public' | 'optional' | 'required';
  readonly csrf: 'always' | 'cookie' | 'never';
  /** `role admin | audit`, `scope a & b`, `60/min`, … */
  readonly policy: readonly string[];
}

const isList = (needs: Needs): needs is readonly string[] => Array.isArray(needs);

const wordsOf = (what: string, needs: Needs | undefined): string[] => {
  if (needs === undefined) return [];
  const { any = [], all = [] } = isList(needs) ? { any: needs } : needs;
  return [
    ...(all.length > 0 ? [`${what} ${all.join(' & ')}`] : []),
    ...(any.length > 0 ? [`${what} ${any.join(' | ')}`] : []),
  ];
};

/** The policy of one rule. */
export const describeRule = (rule: RouteRule): RouteDescription => {
  const methods = methodsOf(rule);
  if ('answer' in rule) {
    return {
      path: rule.path,
      methods,
      hosts: [],
      to: '(gateway)',
      access: 'public',
      csrf: 'never',
      policy: [rule.answer],
    };
  }
  const { path, hosts = [], service, limits, timeoutSeconds, stripPrefix } = rule;
  const user = limits?.user;
  return {
    path,
    methods,
    hosts,
    to: service,
    access: accessOf(rule),
    csrf: csrfOf(rule),
    policy: [
      ...wordsOf('issuer', rule.issuers),
      ...wordsOf('role', rule.roles),
      ...wordsOf('permission', rule.permissions),
      ...wordsOf('scope', rule.scopes),
      ...(user === undefined
        ? []
        : [`${user.perMinute}/min a user${user.group === undefined ? '' : ` (${user.group})`}`]),
      ...(limits?.bodyBytes === undefined ? [] : [`body ${limits.bodyBytes} bytes`]),
      ...(timeoutSeconds === undefined ? [] : [`time-out ${timeoutSeconds} s`]),
      ...(stripPrefix === undefined ? [] : [`without ${stripPrefix}`]),
      ...(rule.forwardAuthorization === true ? ['forwards Authorization'] : []),
      ...(rule.whenRevocationUnknown === 'accept' ? ['accepts unknown revocation'] : []),
    ],
  };
};
