import type { CopyReport, MovedSessions } from '@sallyport/auth/maintenance';

export const copiedText = (report: CopyReport | MovedSessions, json: boolean): string => {
  const { tables } = report;
  const total = Object.values(tables).reduce((sum, count) => sum + count, 0);
  if (json) return `${JSON.stringify({ resumed: 'resumed' in report && report.resumed, rows: total, tables })}\n`;
  const width = Math.max(...Object.keys(tables).map((name) => name.length));
  const lines = Object.entries(tables).map(([name, count]) => `  ${name.padEnd(width)}  ${count}`);
  return `${[
    `Copied ${total} rows; both stores hold as many of each table:`,
    ...lines,
    'Start the issuers on the new store, with the same secrets, and none on the old one.',
  ].join('\n')}\n`;
};
