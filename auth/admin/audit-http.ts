/** The admin API's doors to the audit trail. They translate, nothing else. */
import { Problem } from '@sallyport/contract';
import type { AdminHandler } from '../route.ts';
import { oneAtATime } from './one-at-a-time.ts';

/** The trail as `sallyport audit` reads it. */
export interface AuditDesk {
  read(
    given: Readonly<Record<string, string>>,
  ): Promise<{ readonly wrong: string } | { readonly records: readonly object[]; readonly next?: string }>;
  verify(): Promise<object>;
}

export const createAuditHttp = (
  audit: AuditDesk,
): Readonly<Record<'adminListAudit' | 'adminVerifyAudit', AdminHandler>> => {
  const verify = oneAtATime(() => audit.verify());
  return {
    adminListAudit: async ({ query }) => {
      const page = await audit.read(query);
      if ('wrong' in page) throw new Problem('query_invalid', { extensions: { parameter: page.wrong } });
      return { status: 200, body: page };
    },
    adminVerifyAudit: async () => ({ status: 200, body: await verify() }),
  };
};
