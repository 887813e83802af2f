/**
 * The profile service (8082): one profile per user, made from the events of the issuer. Read `profile/apply-event.ts` first.
 * It never asks the issuer, and reads no table of it: what it knows it has heard. Who calls is what the gateway has signed.
 */
import { runServer } from '@sallyport/example-kit/run';
import { startProfiles } from './profile/start-profiles.ts';

runServer('the profile service', startProfiles);
