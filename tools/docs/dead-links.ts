import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { anchorsOf, targetsOf } from './links.ts';

/** `file: target` for each link that leads nowhere: no such file or folder in the repository, or no such heading in its page. */
export const deadLinks = (root: string, sources: readonly string[]): readonly string[] => {
  const anchors = new Map<string, ReadonlySet<string>>();
  const anchorsIn = (path: string): ReadonlySet<string> => {
    const known = anchors.get(path) ?? anchorsOf(readFileSync(join(root, path), 'utf8'));
    anchors.set(path, known);
    return known;
  };
  return sources.flatMap((source) =>
    targetsOf(source, readFileSync(join(root, source), 'utf8'))
      .filter(({ path = '', anchor }) => {
        if (path.startsWith('..') || !existsSync(join(root, path))) return true;
        return anchor !== '' && path.endsWith('.md') && !anchorsIn(path).has(anchor);
      })
      .map(({ path, anchor }) => `${source}: ${path}${anchor === '' ? '' : `#${anchor}`}`),
  );
};
