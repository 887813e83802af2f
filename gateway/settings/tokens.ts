import { defaultProofAgeSeconds, signatureAlgorithms } from '@sallyport/contract';
import {
  booleanSetting,
  choiceSetting,
  durationSetting,
  listSetting,
  secretSetting,
  textSetting,
  urlSetting,
} from '@sallyport/kit/config';
import { lackable } from '../issuers/issuer-rule.ts';
import { originOnly } from './origin-only.ts';
import { publicUrlProblem } from './public-url.ts';

/** Whose tokens pass, by which keys, and how it is heard that one has ended. */
export const tokenSettings = {
  publicUrl: urlSetting({
    env: 'PUBLIC_URL',
    optional: true,
    check: publicUrlProblem,
    doc: 'Where clients find this gateway, such as `https://api.example.org`: proofs of possession (DPoP) have to name it. With a path where a proxy cuts that off. Default: `http://localhost:<port>`, `https:` with a certificate.',
  }),
  proofMaxAgeSeconds: durationSetting({
    env: 'PROOF_MAX_AGE_SECONDS',
    unit: 'seconds',
    min: 5,
    max: 300,
    default: defaultProofAgeSeconds,
    doc: 'How old a proof of possession (DPoP) may be, beside CLOCK_LEEWAY_SECONDS.',
  }),
  issuer: textSetting({ env: 'JWT_ISSUER', default: 'sallyport', doc: '`iss` of access tokens.' }),
  audience: textSetting({ env: 'JWT_AUDIENCE', default: 'sallyport', doc: '`aud` of access tokens.' }),
  mayLack: listSetting({
    env: 'JWT_MAY_LACK',
    item: new RegExp(`^(?:${lackable.join('|')})$`),
    default: [],
    doc: `What access tokens of an older issuer may be without: ${lackable.join(', ')}. \`typ\` may then also be \`JWT\`, and a payload that says it is another token is refused. Such tokens can be revoked by user only.`,
  }),
  jwtAlgorithm: choiceSetting({
    env: 'JWT_ALGORITHM',
    values: signatureAlgorithms,
    default: 'ES256',
    doc: 'The one signature that access tokens may have.',
  }),
  jwtSecret: secretSetting({
    env: 'JWT_SECRET',
    aliases: ['JWT_SECRET_KEY'],
    optional: true,
    howToMake: "the issuer's, the same text",
    doc: 'Key of HS256; issuer and gateway only.',
  }),
  jwtSecretPrevious: secretSetting({
    env: 'JWT_SECRET_PREVIOUS',
    optional: true,
    doc: 'The HS256 key before this one, or before the change to another algorithm, or the one to come: verifies (docs/keys.md).',
  }),
  jwtPublicKeyPath: textSetting({
    env: 'JWT_PUBLIC_KEY_PATH',
    optional: true,
    doc: "Public keys as PEM. Default: the issuer's `/.well-known/jwks.json`.",
  }),
  revocationFeed: booleanSetting({
    env: 'REVOCATION_FEED',
    default: true,
    insecure: (on) => (on ? undefined : 'is off: tokens of ended sessions and disabled users pass until they expire'),
    doc: "Subscribe to the issuer's revocation feed. Until its first snapshot protected routes answer 503.",
  }),
  revocationFeedUrl: urlSetting({
    env: 'REVOCATION_FEED_URL',
    optional: true,
    check: originOnly,
    doc: "Origin of the issuer's private listener. Default: the issuer's origin, its port + 1000.",
  }),
  revocationFeedToken: secretSetting({
    env: 'REVOCATION_FEED_TOKEN',
    howToMake: 'sallyport keys feed api-gateway, where the issuer has SALLYPORT_ROOT_KEYS; or REVOCATION_FEED=off',
    optional: true,
    doc: "This gateway's own bearer at the feed (`sallyport keys feed <subscriber>`). Required where the feed is on.",
  }),
  revocationBoundSeconds: durationSetting({
    env: 'REVOCATION_BOUND_SECONDS',
    unit: 'seconds',
    min: 1,
    max: 3600,
    default: 1,
    doc: 'What is promised while all is healthy: heard of the feed no longer ago than this. Past it a warning is logged and counted; requests are served.',
  }),
  jwksRefreshSeconds: durationSetting({
    env: 'JWKS_REFRESH_SECONDS',
    unit: 'seconds',
    min: 1,
    max: 3600,
    default: 300,
    doc: "The issuer's keys are fetched again after this time, so that one that is published no more goes. At most JWKS_MAX_AGE_SECONDS of the issuer.",
  }),
  jwksCooldownSeconds: durationSetting({
    env: 'JWKS_COOLDOWN_SECONDS',
    unit: 'seconds',
    min: 1,
    max: 300,
    default: 30,
    doc: 'A token that names an unknown key makes the gateway fetch the keys again, at most once in this time.',
  }),
  revocationMaxStalenessSeconds: durationSetting({
    env: 'REVOCATION_MAX_STALENESS_SECONDS',
    unit: 'seconds',
    min: 1,
    max: 3600,
    default: 120,
    doc: 'Nothing heard of the feed for this long: protected routes answer 503.',
  }),
};
