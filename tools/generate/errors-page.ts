import { type ErrorEntry, errorCatalogue, type Retry } from '@sallyport/contract';

const meaning: Readonly<Record<Retry, string>> = {
  never: 'The same request fails again.',
  later: 'Wait (`Retry-After` where it is sent), then repeat the request.',
  refresh: 'Refresh the access token, then repeat the request.',
  login: 'A new login is needed.',
};

/** `docs/generated/errors.md`: the catalogue of `contract/errors.ts`, ordered by code. */
export function errorsPage(): string {
  const entries = Object.entries<ErrorEntry>(errorCatalogue).sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    '# Errors',
    '',
    'Generated from `contract/errors.ts` by `npm run generate`; do not edit.',
    '',
    'An error is sent as `application/problem+json` (RFC 9457). `code` is stable: it is never renamed and never changes its',
    'meaning. `error` and `hint` are texts of the preset. `params` has the members that the table names.',
    '',
    '| code | status | title | params | retry |',
    '|---|---|---|---|---|',
    ...entries.map(([code, entry]) => row(code, entry)),
    '',
    '## What `retry` means',
    '',
    '| retry | what a client does |',
    '|---|---|',
    ...Object.entries(meaning).map(([retry, text]) => `| ${retry} | ${text} |`),
    '',
  ].join('\n');
}

const row = (code: string, { status, title, params, retry }: ErrorEntry): string =>
  `| \`${code}\` | ${status} | ${cell(title)} | ${params.map((name) => `\`${name}\``).join(', ')} | ${retry} |`;

/** Text that neither ends a cell nor reads as HTML. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
