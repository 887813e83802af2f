import type { Explanation } from '@sallyport/gateway/maintenance';

const marks = { passes: '  ', refuses: 'x ', answers: '= ', forwards: '> ' } as const;
const stepWidth = 17;

const headerLines = (headers: readonly (readonly [string, string])[]): readonly string[] =>
  headers.map(([name, value]) => `  ${name}: ${value}`);

/** An explanation for a terminal. */
export const explanationText = (explanation: Explanation): string => {
  const { method, target, route, service, decision, steps, forwarded, answer } = explanation;
  return [
    `${method} ${target}`,
    `route    ${route ?? 'none'}${service === undefined ? '' : ` -> ${service}`}`,
    `decision ${decision}${answer === undefined ? '' : ` (${answer.status})`}`,
    '',
    ...steps.map(({ step, verdict, detail }) => `${marks[verdict]}${step.padEnd(stepWidth)} ${detail}`.trimEnd()),
    ...(forwarded === undefined
      ? []
      : ['', `to the service: ${forwarded.method} ${forwarded.target}`, ...headerLines(forwarded.headers)]),
    ...(answer === undefined
      ? []
      : ['', `to the client: ${answer.status}`, ...headerLines(answer.headers), `  ${answer.body}`]),
  ].join('\n');
};
