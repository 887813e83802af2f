/**
 * The chat service (8081): rooms and their messages. Read `chat/routes.ts` first.
 * It never decides who calls (the guard does), and never asks the issuer about a request.
 */
import { runServer } from '@sallyport/example-kit/run';
import { startChat } from './chat/start-chat.ts';

runServer('the chat service', startChat);
