/** An issuer whose hashes cost next to nothing, so that a proof may register thousands. It refuses to start outside tests. */
import { start } from '@sallyport/auth/server';
import { runServer } from '@sallyport/kit/lifecycle';

const leastCostOfBcrypt = 4;

runServer((input) => start(input, { testHashCost: leastCostOfBcrypt }), { name: 'auth-service' });
