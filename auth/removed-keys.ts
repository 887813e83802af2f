import type { Revocations } from '@sallyport/storage/contracts/revocations';

const pageLength = 5000;

/** Whether a key's tokens are refused because it was removed from the ring; for as long as the revocation of it lives. */
export const wasKeyRemoved = async (
  revocations: Pick<Revocations, 'readLiveRevocations'>,
  kid: string,
): Promise<boolean> => {
  for (let position = 0; ; ) {
    const page = await revocations.readLiveRevocations(position, pageLength);
    if (page.some(({ subject }) => subject.kind === 'key' && subject.kid === kid)) return true;
    const last = page.at(-1);
    if (last === undefined || page.length < pageLength) return false;
    position = last.position;
  }
};
