/**
 * What browsers are told of every answer. The issuer answers programs: should a browser show one of its answers all the same, nothing in
 * it runs, loads or is framed, and where it leads to learns nothing of where it came from. `/docs`, the one page, has a policy of its own.
 * @param isSecure clients reach the server by TLS
 */
export const secureHeaders = (isSecure: boolean): Readonly<Record<string, string>> =>
  Object.freeze({
    'content-security-policy':
      "default-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
    // RFC 6797 §7.2: not over plain HTTP, where whoever is on the way may have written it.
    ...(isSecure && { 'strict-transport-security': `max-age=${aYearSeconds}; includeSubDomains` }),
  });

const aYearSeconds = 31_536_000;
