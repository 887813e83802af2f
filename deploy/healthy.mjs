/**
 * Asked by a container's health check: exit code 0 where the server says that it can serve. The image has no shell and no curl.
 * `PROBE_CA_PATH`: it speaks TLS, with a certificate for `localhost`; `PROBE_CERT_PATH` and `PROBE_KEY_PATH`: and asks for one.
 */
import { readFileSync } from 'node:fs';
import { get as getPlain } from 'node:http';
import { get as getSecure } from 'node:https';

const { PROBE_PORT = '8080', PROBE_CA_PATH, PROBE_CERT_PATH, PROBE_KEY_PATH } = process.env;
const port = Number(process.argv[2] ?? PROBE_PORT);
const read = (path) => (path === undefined ? undefined : readFileSync(path));
const tls = PROBE_CA_PATH !== undefined;
const options = {
  ...{ host: '127.0.0.1', port, path: '/ready', signal: AbortSignal.timeout(2500) },
  ...(tls && {
    ...{ servername: 'localhost', ca: read(PROBE_CA_PATH) },
    ...{ cert: read(PROBE_CERT_PATH), key: read(PROBE_KEY_PATH) },
  }),
};
(tls ? getSecure : getPlain)(options, ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1)).on('error', () =>
  process.exit(1),
);
