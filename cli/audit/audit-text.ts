import type { AuditReport, AuditView } from '@sallyport/auth/maintenance';

/** One line says how it ended; then what was found, the first bad record first. */
export const verifyText = (report: AuditReport): string => {
  const { findings, openIntents, records, lastPlace, cutAt, checkpoints, unsigned, unsealed } = report;
  const [first] = findings;
  const count = findings.length === 1 ? '1 finding' : `${findings.length} findings`;
  const verdict =
    first === undefined
      ? `The audit trail holds: ${records} records, up to place ${lastPlace}.`
      : `THE AUDIT TRAIL DOES NOT HOLD (${count}). First bad record: ${first.place === undefined ? first.text : `place ${first.place}`}.`;
  return `${[
    verdict,
    ...(cutAt > 0 ? [`  it begins behind place ${cutAt}: what was older has had its time, and the cut is signed`] : []),
    `  ${checkpoints} signed checkpoints; ${unsigned} records behind the last, ${unsealed} not sealed yet`,
    ...(report.uncheckedCheckpoints > 0
      ? [`  ${report.uncheckedCheckpoints} checkpoints are of root keys that are not held here: not checked`]
      : []),
    ...(report.uncheckedRecords > 0
      ? [
          `  ${report.uncheckedRecords} records are of root keys that are not held here: whether an issuer wrote them is not checked`,
        ]
      : []),
    ...findings.map(
      ({ kind, text, effectId }) => `  ${kind}: ${text}${effectId === undefined ? '' : ` (id ${effectId})`}`,
    ),
    ...(openIntents.length > 0 ? [`Intents without an outcome (${openIntents.length}):`] : []),
    ...openIntents.map(
      ({ at, act, requestId, userId }) => `  ${at} ${act} request ${requestId}${userId ? ` user ${userId}` : ''}`,
    ),
  ].join('\n')}\n`;
};

/** Control characters of a user agent would move the cursor of whoever reads it. */
const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]/gu, '?');

export const recordText = (view: AuditView): string =>
  `${[
    view.created_at,
    view.event_type,
    view.user_id ?? '-',
    view.ip_address ?? '-',
    JSON.stringify(view.details),
    view.user_agent ?? '-',
  ]
    .map(printable)
    .join('\t')}\n`;

export const csvColumns = [
  ...['id', 'event_type', 'created_at', 'actor', 'user_id', 'session_id', 'device_id', 'ip_address', 'user_agent'],
  ...['request_id', 'details'],
] as const;

export const csvHead = `${csvColumns.join(',')}\r\n`;

/** RFC 4180. A cell that begins like a formula is one for whoever opens the file in a spreadsheet: it is made text. */
export const csvLine = (view: AuditView): string => {
  const cells = { ...view, details: JSON.stringify(view.details) };
  return `${csvColumns.map((name) => cell(cells[name] ?? '')).join(',')}\r\n`;
};

const cell = (text: string): string => {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};
