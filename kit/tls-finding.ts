import { X509Certificate } from 'node:crypto';
import { type Finding, findingsOn } from './finding.ts';
import { openCertificate, type TlsFiles } from './tls-certificate.ts';

const dayMs = 86_400_000;
/** As at the start: certificates of ACME authorities are renewed earlier. */
const warnBeforeDays = 14;

/** What is wrong with the certificate of one listener, or of a server as a client; nothing where there is none. */
export const certificateFindings = (server: string, files: TlsFiles): readonly Finding[] => {
  const isPublic = /^(?:AUTH|GATEWAY)_TLS_$/.test(files.prefix);
  const about = findingsOn(isPublic ? `${server}: TLS` : `${server}: TLS (${files.prefix}CERT_PATH)`);
  const mend = 'Renew it: the server reads the files again when they change.';
  try {
    const opened = openCertificate(files, Date.now);
    if (opened === undefined) return [];
    const { subject, validToDate } = new X509Certificate(opened.certificate.cert);
    const daysLeft = Math.floor((validToDate.getTime() - Date.now()) / dayMs);
    const told = `${subject.replaceAll('\n', ', ')}, until ${validToDate.toISOString()}`;
    if (daysLeft < 0) return [about.fault(`the certificate has expired: ${told}`, mend)];
    return [daysLeft < warnBeforeDays ? about.warning(`the certificate expires soon: ${told}`, mend) : about.ok(told)];
  } catch (error) {
    const message = error instanceof Error ? error.message : 'unknown failure';
    return [about.fault(message, 'Name the PEM of the chain, leaf first, and the PEM of its key.')];
  }
};
