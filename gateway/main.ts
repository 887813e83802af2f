import { runServer } from '@sallyport/kit/lifecycle';
import { start } from './server.ts';

runServer(start, { name: 'api-gateway' });
