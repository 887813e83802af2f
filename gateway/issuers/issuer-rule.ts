/**
 * Issuers beside the gateway's own: what may be written about one (`issuer-rule.ts`), and its keys (`open-issuer.ts`). Each has its
 * own keys, its own feed and a short name before its ids. Never: lets one issuer's key, feed or ids speak for another.
 */
import { type SignatureAlgorithm, signatureAlgorithms } from '@sallyport/contract';
import { nearestName } from '@sallyport/kit/config-near-miss';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';

/** Header parameters and claims that older issuers leave out. `typ` may then also be `JWT`. */
export const lackable = ['typ', 'aud', 'jti', 'sid', 'kid'] as const;
export type Lackable = (typeof lackable)[number];

/** An issuer of access tokens (RFC 9068) beside the gateway's own. */
export interface IssuerRule {
  /** Its short name: what routes call it by, and what stands before its ids, `partner|42`. Lower-case letters, digits, `-`. */
  readonly id: string;
  /** `iss` of its tokens, compared exactly. */
  readonly issuer: string;
  /** One of these has to be in `aud`; a token without one passes only where `mayLack` says so. */
  readonly audience: string | readonly string[];
  /** The one signature that its tokens may have. */
  readonly algorithm: SignatureAlgorithm;
  /** What its tokens may be without, where it is older than RFC 9068: see `lackable`. Default: nothing but `sid`. */
  readonly mayLack?: readonly Lackable[];
  /** Where its JWK Set is fetched. This or `publicKeyPath`; neither with HS256. */
  readonly jwksUrl?: string;
  /** Its public keys as PEM. */
  readonly publicKeyPath?: string;
  /** File with the secret of HS256. */
  readonly secretFile?: string;
  /** Origin of its private listener, where its revocation feed is. Default: none, its tokens live until they expire. */
  readonly feedUrl?: string;
  /** File with this gateway's bearer at that feed. */
  readonly feedTokenFile?: string;
}

/** What routes call the gateway's own issuer. */
export const ownIssuer = 'own';

const text = Type.String({ minLength: 1, maxLength: 512 });
const closed = { additionalProperties: false } as const;
const ruleSchema = Type.Object(
  {
    id: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,62}$' }),
    issuer: text,
    audience: Type.Union([text, Type.Array(text, { minItems: 1, maxItems: 64, uniqueItems: true })]),
    algorithm: Type.Union(signatureAlgorithms.map((name) => Type.Literal(name))),
    mayLack: Type.Optional(
      Type.Array(Type.Union(lackable.map((name) => Type.Literal(name))), {
        maxItems: lackable.length,
        uniqueItems: true,
      }),
    ),
    jwksUrl: Type.Optional(Type.String({ pattern: '^https?://[^/?#@\\s]+/[^?#@\\s]*$' })),
    publicKeyPath: Type.Optional(text),
    secretFile: Type.Optional(text),
    feedUrl: Type.Optional(Type.String({ pattern: '^https?://[^/?#@\\s]+/?$' })),
    feedTokenFile: Type.Optional(text),
  },
  closed,
);
const form = Compile(ruleSchema);
const members = Object.keys(ruleSchema.properties);
const maxIssuers = 64;

const isMembers = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const formProblem = (value: unknown, at: number): string | undefined => {
  if (!isMembers(value)) return `[${at}] is no object`;
  const unknown = Object.keys(value).find((name) => !members.includes(name));
  if (unknown !== undefined) {
    const near = nearestName(unknown, members);
    return `[${at}].${unknown} is not known${near === undefined ? '' : `; did you mean ${near}?`}`;
  }
  const missing = ['id', 'issuer', 'audience', 'algorithm'].find((name) => value[name] === undefined);
  if (missing !== undefined) return `[${at}] has no ${missing}`;
  const wrong = form.Check(value) ? undefined : form.Errors(value)[0]?.instancePath.split('/')[1];
  return wrong === undefined ? undefined : `[${at}].${wrong} has a wrong value`;
};

const keyProblem = ({ algorithm, jwksUrl, publicKeyPath, secretFile }: IssuerRule): string | undefined => {
  if (algorithm === 'HS256') {
    if (secretFile === undefined) return 'has no secretFile, which HS256 needs';
    return (jwksUrl ?? publicKeyPath) ? 'has public keys beside HS256: remove them' : undefined;
  }
  if (secretFile !== undefined) return `has a secretFile beside ${algorithm}: remove it`;
  if ((jwksUrl === undefined) === (publicKeyPath === undefined))
    return 'needs jwksUrl or publicKeyPath, and one of them';
  return undefined;
};

const ruleProblem = (rule: IssuerRule, at: number): string | undefined => {
  const keys = keyProblem(rule);
  if (keys !== undefined) return `[${at}] ${keys}`;
  if (rule.id === ownIssuer) return `[${at}].id is ${ownIssuer}, which is the gateway's own issuer`;
  if ((rule.feedUrl === undefined) !== (rule.feedTokenFile === undefined)) {
    return `[${at}] needs both of feedUrl and feedTokenFile, or neither`;
  }
  return undefined;
};

/** What is wrong with a value that should be a list of issuers; undefined: nothing. */
export const issuersProblem = (value: unknown): string | undefined => {
  if (!Array.isArray(value)) return 'must be a list';
  if (value.length > maxIssuers) return `holds more than ${maxIssuers} issuers`;
  const broken = value.map(formProblem).find((problem) => problem !== undefined);
  if (broken !== undefined) return broken;
  const rules = value as readonly IssuerRule[];
  for (const name of ['id', 'issuer'] as const) {
    if (new Set(rules.map((rule) => rule[name])).size !== rules.length) return `holds one ${name} twice`;
  }
  return rules.map(ruleProblem).find((problem) => problem !== undefined);
};
