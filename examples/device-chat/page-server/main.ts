/**
 * The page's server (3000): it hands out the page in `page/`, and nothing else. The page itself talks to the issuer and the chat service.
 * It never sees a password, a token or a key.
 */
import { runServer } from '@sallyport/example-kit/run';
import { startChatPage } from './start-chat-page.ts';

runServer('the page', startChatPage);
