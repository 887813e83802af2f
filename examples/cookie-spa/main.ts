/**
 * The page's server (3000): it hands out the page, and keeps the expenses behind a small API. Read `server/page-server.ts` first.
 * It never sees a password, a refresh token or a key: whoever calls shows an access token, and the issuer says whose it is.
 */
import { runServer } from '@sallyport/example-kit/run';
import { startPageServer } from './server/page-server.ts';

runServer('the page', startPageServer);
