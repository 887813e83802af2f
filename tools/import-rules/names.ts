import type { Check } from './rules.ts';

/** Every file and folder is named for what it does; `utils` and `helpers` name nothing, also as a part (`url-utils.ts`). */
export const names: Check = ({ sources }, { namesRefused }) =>
  sources.flatMap(({ path }) => {
    const refused = path.split(/[/._-]/).find((word) => namesRefused.includes(word.toLowerCase()));
    if (refused === undefined) return [];
    return [{ file: path, line: 1, rule: 'name', message: `"${refused}" does not say what is inside` }];
  });
