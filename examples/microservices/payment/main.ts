/**
 * The payment service (8083): payments of a user, each of which makes a notification.
 * Read `routes.ts` first, then `outbox.ts`. It never decides who calls, and never shows a payment to anybody but its user.
 */
import { runService } from '../service/run-service.ts';
import { paymentService } from './service.ts';

runService(paymentService);
