/** Says of a failed send whether the events were refused for what they are, or nobody could take anything. No text of a broker is passed on. */

export type Failure =
  | { readonly kind: 'rejected'; readonly reason: string }
  | { readonly kind: 'unavailable'; readonly reason: string }
  /** The topic does not exist: nothing was sent. */
  | { readonly kind: 'no_topic' };

/** Error codes of the protocol that concern the records themselves: the same records are refused again. */
const refusals = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD', 'INVALID_TIMESTAMP']);

/** What an operator can do something about, in words. The first one that fits. */
const explanations: readonly (readonly [fits: RegExp, reason: string])[] = [
  [
    /^(?:PLT_KFK_AUTHENTICATION|SASL_AUTHENTICATION_FAILED|UNSUPPORTED_SASL_MECHANISM)$/,
    'refuses the name, the password or the SASL mechanism',
  ],
  [/_AUTHORIZATION_FAILED$/, 'does not permit this user to write to the topic'],
  [/^(?:ECONN|ENOTFOUND|EAI_|ETIMEDOUT|EHOST|ENET)/, 'cannot be reached'],
  [/CERT|SELF_SIGNED|UNABLE_TO_|^ERR_TLS|^ERR_SSL/, 'cannot be trusted'],
  [/^NOT_ENOUGH_REPLICAS/, 'has too few replicas in sync to keep an event'],
];

/** An error of the client is a tree: what it tried, each with causes. */
interface Node {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly apiId?: unknown;
  readonly message?: unknown;
  readonly errors?: unknown;
  readonly cause?: unknown;
}

const maxNodes = 200;

const nodesOf = (error: unknown): readonly Node[] => {
  const nodes: Node[] = [];
  const waiting: unknown[] = [error];
  while (waiting.length > 0 && nodes.length < maxNodes) {
    const next = waiting.shift();
    if (typeof next !== 'object' || next === null) continue;
    const node: Node = next;
    nodes.push(node);
    waiting.push(...(Array.isArray(node.errors) ? node.errors : []), node.cause);
  }
  return nodes;
};

/** Every code in it, what was tried first first. */
const codesOf = (nodes: readonly Node[]): readonly string[] =>
  nodes.flatMap(({ apiId, code }) => [apiId, code]).filter((code) => typeof code === 'string');

export const isTopicThere = (error: unknown): boolean => codesOf(nodesOf(error)).includes('TOPIC_ALREADY_EXISTS');

export const failureOf = (error: unknown): Failure => {
  const nodes = nodesOf(error);
  // The one error of the client that has no code for what it means.
  if (nodes.some(({ message }) => typeof message === 'string' && /^Unknown topic /.test(message)))
    return { kind: 'no_topic' };
  const codes = codesOf(nodes);
  const refusal = codes.find((code) => refusals.has(code));
  if (refusal !== undefined) return { kind: 'rejected', reason: `Kafka refuses it: ${refusal}` };
  if (codes.includes('UNKNOWN_TOPIC_OR_PARTITION')) return { kind: 'no_topic' };
  for (const [fits, reason] of explanations) {
    const code = codes.find((each) => fits.test(each));
    if (code !== undefined) return { kind: 'unavailable', reason: `Kafka ${reason} (${code})` };
  }
  // The codes of the client itself (PLT_KFK_…) say less than what lies below them.
  const code = codes.findLast((each) => !each.startsWith('PLT_KFK_')) ?? codes.at(-1) ?? 'unknown error';
  return { kind: 'unavailable', reason: `Kafka does not take it (${code})` };
};
