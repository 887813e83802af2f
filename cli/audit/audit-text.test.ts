import type { AuditReport, AuditView } from '@sallyport/auth/maintenance';
import { expect, it } from 'vitest';
import { csvHead, csvLine, recordText, verifyText } from './audit-text.ts';

const view: AuditView = {
  id: '0193e0c4-0000-7000-8000-000000000001',
  event_type: 'login_failed',
  created_at: '2026-11-28T12:00:00.000Z',
  actor: 'user',
  ip_address: '192.0.2.7',
  user_agent: '=cmd|"/c calc"!A1\u001b[2J',
  request_id: 'r',
  details: { reason: 'password' },
};

const report: AuditReport = {
  passed: true,
  findings: [],
  records: 12,
  lastPlace: 20,
  cutAt: 8,
  checkpoints: 3,
  uncheckedCheckpoints: 0,
  uncheckedRecords: 0,
  unsigned: 1,
  unsealed: 2,
  openIntents: [],
};

it('a cell of CSV is no formula, and a quote ends none', () => {
  expect(csvHead.split(',')).toHaveLength(csvLine({ ...view, details: '' }).split(',').length);
  expect(csvLine(view)).toContain(`"'=cmd|""/c calc""!A1`);
  expect(csvLine(view)).toContain('"{""reason"":""password""}"');
});

it('what a client has sent does not move the cursor of whoever reads it', () => {
  expect(recordText(view)).not.toContain('\u001b');
  expect(recordText(view)).toMatch(/^2026-11-28T12:00:00\.000Z\tlogin_failed\t-\t192\.0\.2\.7\t/);
});

it('says that it holds, or which record is the first bad one', () => {
  expect(verifyText(report).split('\n')).toEqual([
    'The audit trail holds: 12 records, up to place 20.',
    '  it begins behind place 8: what was older has had its time, and the cut is signed',
    '  3 signed checkpoints; 1 records behind the last, 2 not sealed yet',
    '',
  ]);
  const findings = [
    { kind: 'missing', place: 9, text: 'the record at place 9 is gone' },
    { kind: 'changed', place: 11, effectId: 'e', text: 'the record at place 11 is not what was sealed' },
  ] as const;
  const intent = { effectId: 'i', at: '2026-11-28T12:00:00.000Z', act: 'login', requestId: 'r' };
  const text = verifyText({ ...report, passed: false, findings, openIntents: [intent] });
  expect(text).toMatch(/^THE AUDIT TRAIL DOES NOT HOLD \(2 findings\)\. First bad record: place 9\.\n/);
  expect(text).toContain('  changed: the record at place 11 is not what was sealed (id e)\n');
  expect(text).toContain('Intents without an outcome (1):\n  2026-11-28T12:00:00.000Z login request r\n');
});
