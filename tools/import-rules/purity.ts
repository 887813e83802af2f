import { covers, matchesAny } from './match.ts';
import type { Check, Rules } from './rules.ts';
import { productCode, type Reference, type Source } from './source.ts';
import type { Violation } from './violation.ts';
import { type AstNode, type Hang, walk } from './walk.ts';

/** A verdict that depends on nothing but its arguments can be tested to the last case. */
export const purity: Check = (tree, rules) =>
  productCode(tree)
    .filter(({ path }) => matchesAny(path, rules.pure.files))
    .flatMap((source) => [...impureImports(source, rules), ...impureCode(source, rules)]);

function impureImports(source: Source, { pure }: Rules): Violation[] {
  const isPure = ({ specifier, target, typeOnly }: Reference): boolean => {
    if (specifier.startsWith('node:')) return false;
    if (typeOnly) return true;
    if (target !== undefined) return matchesAny(target, pure.files);
    return specifier.startsWith('@sallyport/') && covers(specifier.slice('@sallyport/'.length), pure.packages);
  };
  return source.references
    .filter((reference) => !isPure(reference))
    .map(({ specifier, line }) => violation(source, line, `it imports ${specifier}`));
}

function impureCode(source: Source, { pure }: Rules): Violation[] {
  const found: Violation[] = [];
  walk(source.program, (node, hang) => {
    const impurity = asyncSyntax(node) ?? impureGlobal(node, hang, pure.globals);
    if (impurity !== undefined) found.push(violation(source, source.lineOf(node.start), `it uses ${impurity}`));
  });
  return found;
}

function asyncSyntax(node: AstNode): string | undefined {
  if (node.type === 'AwaitExpression' || node.type === 'ImportExpression') {
    return node.type === 'AwaitExpression' ? 'await' : 'import()';
  }
  return 'async' in node && node.async === true ? 'async' : undefined;
}

function impureGlobal(node: AstNode, hang: Hang | undefined, globals: readonly string[]): string | undefined {
  const name = node.type === 'MemberExpression' ? memberName(node) : identifierName(node, hang);
  return name !== undefined && globals.includes(name) ? name : undefined;
}

function memberName(node: AstNode): string {
  const { object, property } = node as AstNode & Record<'object' | 'property', { name?: string; value?: string }>;
  return `${object.name}.${property.name ?? property.value}`;
}

/** The name of a variable; names of members (`facts.process`, `{ process: 1 }`, `Types.Date`) are no variables. */
function identifierName(node: AstNode, hang: Hang | undefined): string | undefined {
  if (node.type !== 'Identifier' || (hang !== undefined && namesMember(hang))) return undefined;
  return (node as AstNode & { name: string }).name;
}

function namesMember({ parent, key }: Hang): boolean {
  if (key === 'right') return parent.type === 'TSQualifiedName';
  return (key === 'property' || key === 'key') && !('computed' in parent && parent.computed === true);
}

const violation = (source: Source, line: number, what: string): Violation => ({
  file: source.path,
  line,
  rule: 'pure',
  message: `${source.path.split('/').at(-1)} is pure: ${what}`,
});
