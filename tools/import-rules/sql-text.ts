import { matchesAny } from './match.ts';
import type { Check } from './rules.ts';
import { productCode, type Source } from './source.ts';
import type { Violation } from './violation.ts';
import { type AstNode, walk } from './walk.ts';

/** The words after the verb keep apart `DELETE FROM users` and `DELETE /users`; a capital alone makes a verb prose (`Select a …`). */
const prose = /^\s*[A-Z][a-z]/;
const statement = new RegExp(
  `^\\s*(${[
    'SELECT\\s.*\\bFROM\\b|SELECT\\s+[\\d(*]|SELECT\\s[A-Z_]+\\(',
    'INSERT\\s+(OR\\s+\\w+\\s+)?INTO\\b',
    'UPDATE\\s+(OR\\s+\\w+\\s+)?\\S+\\s+SET\\b',
    'DELETE\\s+FROM\\b',
    '(CREATE|DROP|ALTER)\\s+((UNIQUE|TEMP|TEMPORARY|VIRTUAL)\\s+)*(TABLE|INDEX|TRIGGER|VIEW)\\b',
    'PRAGMA\\s+\\w',
    'BEGIN\\s+(IMMEDIATE|EXCLUSIVE|DEFERRED)\\b',
  ].join('|')})`,
  'is',
);

/** SQL lives behind a storage contract. Tests may look into a database: that is how a leak is found. */
export const sqlText: Check = (tree, { sql }) =>
  productCode(tree)
    .filter(({ path }) => !matchesAny(path, sql.only))
    .flatMap((source) => statementsIn(source));

function statementsIn(source: Source): Violation[] {
  const found: Violation[] = [];
  walk(source.program, (node) => {
    const text = textOf(node);
    if (text === undefined || prose.test(text) || !statement.test(text)) return;
    const line = source.lineOf(node.start);
    found.push({ file: source.path, line, rule: 'sql', message: `SQL outside storage: ${text.trim().slice(0, 40)}` });
  });
  return found;
}

/** What stands in a string or template; each `${…}` reads as one word. */
function textOf(node: AstNode): string | undefined {
  if (node.type === 'Literal' && 'value' in node) return typeof node.value === 'string' ? node.value : undefined;
  if (node.type !== 'TemplateLiteral') return undefined;
  const { quasis } = node as AstNode & { quasis: { value: { raw: string } }[] };
  return quasis.map(({ value }) => value.raw).join('x');
}
