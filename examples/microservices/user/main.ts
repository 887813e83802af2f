/**
 * The user service (8082): a profile for each user, and the end of an account.
 * Read `routes.ts` first. It never decides who calls (the guard does), and never sees another user's row.
 */
import { runService } from '../service/run-service.ts';
import { userService } from './service.ts';

runService(userService);
