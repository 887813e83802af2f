import { type Command, InvalidArgumentError } from 'commander';
import { addUrlOption, type Where, withDesk } from '../desk/with-desk.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { addFilterOptions, addStateOption, type FilterOptions, filterOf, readEventId } from './event-filter.ts';
import { eventText } from './event-text.ts';

interface ListOptions extends FilterOptions, Where {
  readonly limit: number;
  readonly json: boolean;
}

interface ReplayOptions extends FilterOptions, Where {
  readonly dead: boolean;
  readonly all: boolean;
  readonly json: boolean;
}

/** `sallyport events …`: what has left, what waits, what was refused for good, and sending it again. */
export const addEventsCommand = (program: Command): void => {
  const events = program.command('events').description('events of the outbox (docs/guides/events.md)');
  const json = ['--json', 'print JSON, with the data of the events', false] as const;
  const limit = ['--limit <number>', 'how many at most', positiveInteger, 1000] as const;

  addStateOption(addUrlOption(addFilterOptions(events.command('list'))))
    .option(...limit)
    .option(...json)
    .description('list events, oldest first: time, id, type, user, state')
    .action(list);

  addUrlOption(addFilterOptions(events.command('dead-letters')))
    .option(...limit)
    .option(...json)
    .description('list events that the receiver has refused for the last time, with the reason')
    .action((options: ListOptions) => list({ ...options, state: 'dead' }));

  addStateOption(addUrlOption(addFilterOptions(events.command('replay'))))
    .argument('[ids...]', 'ids of events', readEventId)
    .option('--dead', 'dead letters; as --state dead', false)
    .option('--all', 'everything that is kept', false)
    .option('--json', 'print JSON', false)
    .description('let relays send events again, in their order and under the ids that they have')
    .action(replay);
};

const list = (options: ListOptions): Promise<void> =>
  withDesk(options, async (desk) => {
    for await (const event of desk.listEvents(filterOf(options), options.limit)) {
      process.stdout.write(eventText(event, options.json));
    }
  });

const replay = async (ids: readonly string[] = [], options: ReplayOptions): Promise<void> => {
  const filter = filterOf(options.dead ? { ...options, state: 'dead' } : options);
  const isFiltered = Object.keys(filter).length > 0;
  if ([ids.length > 0, isFiltered, options.all].filter(Boolean).length !== 1)
    throw new CommandError(
      'Say which: ids, or filters (--dead, --type, --user, --since, --until, --state), or --all.',
      exitCodes.usage,
    );
  await withDesk(options, async (desk) => {
    const replayed = await desk.replayEvents(ids.length > 0 ? { ids } : { filter });
    process.stdout.write(
      options.json ? `${JSON.stringify({ replayed })}\n` : `${replayed} events will be sent again\n`,
    );
    const left = new Set(ids).size - replayed;
    if (ids.length > 0 && left > 0)
      throw new CommandError(
        `${left} of these ids will not: no such event, or it is still waiting to be sent (sallyport events list).`,
      );
  });
};

const positiveInteger = (text: string): number => {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('a number from 1 on is expected');
  return Number(text);
};
