const timeoutMs = 2_000;

/** True when the server says that it can serve. */
export const answersReady = async (url: string, signal: AbortSignal): Promise<boolean> => {
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const { ok, body } = await fetch(`${url}/ready`, { signal: limit });
    await body?.cancel();
    return ok;
  } catch {
    // Not listening yet, or told to stop meanwhile: not ready.
    return false;
  }
};
