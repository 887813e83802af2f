import type { Finding } from '@sallyport/auth/maintenance';

const marks: Readonly<Record<Finding['verdict'], string>> = { ok: 'ok     ', warning: 'warning', fault: 'FAULT  ' };

/** One line a finding, and below it what to do. */
export const doctorText = (findings: readonly Finding[]): string => {
  const lines = findings.map(({ subject, verdict, found, mend }) => {
    const line = `${marks[verdict]}  ${subject}: ${found}\n`;
    return mend === undefined ? line : `${line}         -> ${mend}\n`;
  });
  const count = (verdict: Finding['verdict']): number => findings.filter((one) => one.verdict === verdict).length;
  return `${lines.join('')}${count('fault')} faults, ${count('warning')} warnings, ${count('ok')} in order\n`;
};
