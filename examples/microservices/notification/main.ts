/**
 * The notification service (8084): what a user was told, and what of it was read. Other services add notifications by its
 * private listener (`inbox.ts`). It never decides who calls, and never shows a notification to anybody but its user.
 */
import { runService } from '../service/run-service.ts';
import { notificationService } from './service.ts';

runService(notificationService);
