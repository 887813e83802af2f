/**
 * A page's client by the names of contracts/device-chat.md. Thin: who refreshes when, what ends a session and how two tabs agree stands in
 * `@sallyport/client`, which a new page uses by itself.
 */
export { APIClient } from './api-client.ts';
export { type ChatMessage, type ChatPage, type ChatPageOptions, openChatPage } from './chat-page.ts';
export { TokenManager, type TokenManagerOptions } from './token-manager.ts';
