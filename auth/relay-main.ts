import { runServer } from '@sallyport/kit/lifecycle';
import { startRelayServer } from './relay-server.ts';

runServer(startRelayServer, { name: 'event-relay' });
