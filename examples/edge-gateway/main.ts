/**
 * The backend (8082): documents of users, behind the gateway. Read `backend/routes.ts` first.
 * It never decides who calls (the guard does), verifies no access token, and never reads `X-User-Id` or `X-Roles`.
 */
import { runServer } from '@sallyport/example-kit/run';
import { startBackend } from './backend/start-backend.ts';

runServer('the backend', startBackend);
