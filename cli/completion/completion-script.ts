import type { Command } from 'commander';

export const shells = ['bash', 'zsh', 'fish'] as const;

/** A place in the tree of commands, and what may come there. */
interface Place {
  /** The commands that lead there, such as `users create`; empty at the top. */
  readonly path: string;
  readonly words: readonly string[];
}

const placesOf = (command: Command, path: readonly string[] = []): readonly Place[] => {
  const options = command.options.flatMap(({ long, hidden }) => (long == null || hidden ? [] : [long]));
  const words = [...command.commands.map((each) => each.name()), ...options, '--help'];
  return [
    { path: path.join(' '), words: words.toSorted() },
    ...command.commands.flatMap((each) => placesOf(each, [...path, each.name()])),
  ];
};

/**
 * Made from the commands themselves, so that it knows what they know. A word that is no command ends the way through the tree: what comes
 * behind an argument is completed as behind its command.
 */
export const completionScript = (shell: (typeof shells)[number], program: Command): string => {
  const name = program.name();
  const places = placesOf(program);
  return scripts[shell](name, places);
};

const caseOf = (places: readonly Place[]): string =>
  places.map(({ path, words }) => `    '${path}') words='${words.join(' ')}' ;;`).join('\n');

/** zsh runs it as bash does, by its own `bashcompinit`. */
const bash = (name: string, places: readonly Place[]): string => `_${name}() {
  local word path='' next words
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    next="\${path:+$path }$word"
    case " $(_${name}_paths) " in *"|$next|"*) path=$next ;; esac
  done
  case "$path" in
${caseOf(places)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
_${name}_paths() { printf '%s' '${places.map(({ path }) => `|${path}|`).join('')}'; }
complete -o default -F _${name} ${name}
`;

const zsh = (name: string, places: readonly Place[]): string =>
  `autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n${bash(name, places)}`;

const fish = (name: string, places: readonly Place[]): string => {
  const paths = places.flatMap(({ path }) => (path === '' ? [] : [`'${path}'`])).join(' ');
  const lines = places.map(
    ({ path, words }) => `complete -c ${name} -f -n "test (__${name}_path) = '${path}'" -a '${words.join(' ')}'`,
  );
  return `function __${name}_path
  set -l path ''
  for word in (commandline -opc)[2..]
    set -l next (string trim "$path $word")
    contains -- "$next" ${paths}; and set path $next
  end
  echo "$path"
end
${lines.join('\n')}
`;
};

const scripts = { bash, zsh, fish };
