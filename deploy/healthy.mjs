/** Asked by a container's health check: exit code 0 where the server says that it can serve. The image has no shell and no curl. */
const port = process.argv[2] ?? process.env.PROBE_PORT ?? '8080';
const answer = await fetch(`http://127.0.0.1:${port}/ready`, { signal: AbortSignal.timeout(2500) }).catch(
  () => undefined,
);
process.exit(answer?.ok === true ? 0 : 1);
