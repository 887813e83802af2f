/**
 * What the browser is told of every answer. The policy names nothing inline: a script or style that somebody gets into the page does not
 * run, and may talk to nobody but this server and the places named here.
 */
export const securityHeaders = (connectTo: readonly string[]): Readonly<Record<string, string>> =>
  Object.freeze({
    'content-security-policy': [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self'",
      `connect-src ${["'self'", ...connectTo].join(' ')}`,
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      // No string becomes markup: the page builds its elements one by one.
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ].join('; '),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  });
