import { type Program, visitorKeys } from 'oxc-parser';

/** What every node of the syntax tree has. */
export interface AstNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

/** Where a node hangs: `key` is the member of the parent that holds it. */
export interface Hang {
  readonly parent: AstNode;
  readonly key: string;
}

/** Calls `visit` for every node, parents first, in the order of the text. */
export function walk(program: Program, visit: (node: AstNode, hang: Hang | undefined) => void): void {
  const stack: { node: AstNode; hang: Hang | undefined }[] = [{ node: program, hang: undefined }];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { node, hang } = next;
    visit(node, hang);
    const children = (visitorKeys[node.type] ?? []).flatMap((key) =>
      [(node as unknown as Record<string, unknown>)[key]]
        .flat()
        .filter(isNode)
        .map((child) => ({ node: child, hang: { parent: node, key } })),
    );
    stack.push(...children.reverse());
  }
}

const isNode = (value: unknown): value is AstNode => typeof value === 'object' && value !== null && 'type' in value;
