#!/usr/bin/env node
/**
 * `sallyport`: the command line. Every command is registered in `sallyport.ts`; what one does stands in its own folder.
 * Never: takes a password or another secret as an argument, where every process of the machine could read it.
 */
import { runSallyport } from './sallyport.ts';

await runSallyport(process.argv.slice(2));
