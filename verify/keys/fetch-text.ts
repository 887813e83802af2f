import { sdkHeader } from '../sdk-header.ts';

interface FetchText {
  readonly url: string;
  readonly contentTypes: readonly string[];
  readonly maxBytes: number;
  readonly timeoutMs: number;
  readonly fetch: typeof globalThis.fetch;
}

const readBounded = async (response: Response, maxBytes: number): Promise<string> => {
  const chunks: Uint8Array[] = [];
  let size = 0;
  if (!response.body) throw new Error('Empty answer');
  const reader = response.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    size += part.value.byteLength;
    if (size > maxBytes) {
      await reader.cancel();
      throw new Error(`Answer exceeds ${maxBytes} bytes`);
    }
    chunks.push(part.value);
  }
  return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
};

/** GET of a small text: status 200, one of the content types, bounded size and time, no redirect. */
export const fetchText = async ({ url, contentTypes, maxBytes, timeoutMs, fetch }: FetchText): Promise<string> => {
  const response = await fetch(url, {
    headers: { ...sdkHeader, accept: contentTypes.join(', ') },
    // A redirect would let whoever answers choose where keys come from.
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  });
  const contentType = (response.headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (response.status !== 200 || !contentTypes.includes(contentType)) {
    await response.body?.cancel();
    throw new Error(response.status === 200 ? 'Unexpected content type' : `Status ${response.status}`);
  }
  return readBounded(response, maxBytes);
};
