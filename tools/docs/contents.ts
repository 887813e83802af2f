/**
 * What the site consists of, in the order of its sidebar: the explicit list. A guide that stands in no section fails a test. Paths are
 * those of the repository; every page keeps its path on the site, but what has to do without `docs/`.
 */
export interface Section {
  readonly title: string;
  readonly pages: readonly Page[];
}

export interface Page {
  /** Path of the Markdown file. */
  readonly source: string;
  /** As the sidebar names it. */
  readonly title: string;
}

const page = (source: string, title: string): Page => ({ source, title });
const guide = (name: string, title: string): Page => page(`docs/guides/${name}.md`, title);

export const contents: readonly Section[] = [
  {
    title: 'Start',
    pages: [
      page('README.md', 'What it is'),
      guide('run-each-server', 'Each server by itself'),
      guide('protect-a-service', 'Protect a service'),
      guide('cookie-or-token', 'Cookie or token'),
    ],
  },
  {
    title: 'The five presets',
    pages: [
      guide('presets/microservices', 'microservices'),
      guide('presets/cookie-spa', 'cookie-spa'),
      guide('presets/device-chat', 'device-chat'),
      guide('presets/event-driven', 'event-driven'),
      guide('presets/edge-gateway', 'edge-gateway'),
    ],
  },
  {
    title: 'Moving here',
    pages: [
      guide('moving/hand-made-jwt', 'From hand-made JWT code'),
      guide('moving/keycloak', 'From Keycloak'),
      guide('moving/better-auth', 'From Better Auth'),
    ],
  },
  {
    title: 'Sessions and accounts',
    pages: [
      guide('refresh-tokens', 'Refresh tokens'),
      guide('passwords', 'Passwords'),
      guide('device-exchange', 'Devices'),
      guide('device-proof', 'Proof of a key'),
      guide('limits', 'Limits'),
    ],
  },
  {
    title: 'The gateway',
    pages: [
      guide('gateway-routes', 'Routes'),
      guide('tls', 'TLS'),
      guide('acme', 'Certificates by ACME'),
      guide('other-proxies', 'Other proxies'),
    ],
  },
  {
    title: 'Stores and events',
    pages: [
      guide('postgresql', 'PostgreSQL'),
      guide('redis', 'Redis'),
      guide('moving-stores', 'Moving stores'),
      guide('backup', 'Backup'),
      guide('events', 'Events'),
      guide('kafka', 'Kafka'),
    ],
  },
  {
    title: 'Operating it',
    pages: [
      guide('deploy', 'Deploy'),
      guide('observability', 'Observability'),
      guide('doctor', 'Doctor'),
      guide('admin-api', 'Admin API'),
      page('docs/keys.md', 'Who holds which key'),
      page('docs/threat-model.md', 'Threat model'),
      page('docs/asvs.md', 'OWASP ASVS'),
      guide('signing-keys', 'Signing keys'),
      guide('signers', 'Signers: Vault, OpenBao, AWS KMS'),
      guide('audit', 'Audit'),
      guide('retention', 'Retention and erasure'),
    ],
  },
  {
    title: 'Reference',
    pages: [
      page('docs/generated/settings.md', 'Settings'),
      page('docs/generated/errors.md', 'Errors'),
      page('docs/generated/events.md', 'Events'),
      page('docs/generated/api.md', 'API'),
      page('docs/generated/admin-api.md', 'Admin API, routes'),
      page('docs/generated/cli.md', 'Commands'),
      page('verify/README.md', '@sallyport/verify'),
      page('client/README.md', '@sallyport/client'),
      page('cli/README.md', '@sallyport/cli'),
    ],
  },
  {
    title: 'Examples',
    pages: ['microservices', 'cookie-spa', 'device-chat', 'event-driven', 'edge-gateway', 'kit'].map((name) =>
      page(`examples/${name}/README.md`, name),
    ),
  },
];

/** Where a page stands on the site. */
export const sitePath = (source: string): string =>
  source === 'README.md' ? 'index.md' : source.replace(/^docs\//, '').replace(/\/README\.md$/, '.md');
