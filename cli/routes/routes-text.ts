import type { RouteDescription, RoutesReport } from '@sallyport/gateway/maintenance';

const cells = (route: RouteDescription): readonly string[] => [
  route.hosts.length === 0 ? route.path : `${route.path} (${route.hosts.join(', ')})`,
  // Never `any`: TRACE and CONNECT are refused, whatever a rule says.
  route.methods.join(','),
  route.to,
  route.access,
  route.csrf,
  route.policy.join('; '),
];

const head = ['path', 'methods', 'to', 'access', 'CSRF', 'policy'] as const;

const table = (rows: readonly (readonly string[])[]): readonly string[] => {
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
};

const section = (title: string, lines: readonly string[]): readonly string[] =>
  lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${line}`)];

/** A report for a terminal. */
export const routesText = ({ file, routes, problems, warnings }: RoutesReport): string =>
  [
    `routes: ${file ?? 'of the preset or the settings file'}`,
    ...(routes.length === 0 ? [] : ['', ...table([head, ...routes.map(cells)])]),
    ...section('problems: this table cannot be put in force', problems),
    ...section('worth a look', warnings),
    '',
    problems.length === 0
      ? `ok: ${routes.length} routes`
      : `not ok: ${problems.length} problem${problems.length === 1 ? '' : 's'}`,
  ].join('\n');
