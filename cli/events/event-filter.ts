import { isUserId } from '@sallyport/contract';
import { isEventType } from '@sallyport/contract/events';
import { type EventFilter, type EventState, eventStates } from '@sallyport/storage/contracts/outbox';
import { type Command, InvalidArgumentError, Option } from 'commander';

export interface FilterOptions {
  readonly type?: string;
  readonly user?: string;
  readonly since?: number;
  readonly until?: number;
  readonly state?: EventState;
}

/** A day, or a moment with its zone: what another machine would read in another way is refused. */
const moment = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/;

const readMoment = (text: string): number => {
  const ms = moment.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw new InvalidArgumentError('2026-11-28 (UTC) or 2026-11-28T13:00:00Z is expected');
  return ms;
};

const readType = (text: string): string => {
  if (!isEventType(text)) throw new InvalidArgumentError('there is no such type: see docs/generated/events.md');
  return text;
};

export const readEventId = (text: string, before: readonly string[] = []): readonly string[] => {
  if (!isUserId(text)) throw new InvalidArgumentError('the id of an event is expected, as the list prints it');
  return [...before, text];
};

const readUser = (text: string): string => {
  if (!isUserId(text)) throw new InvalidArgumentError('the id of a user is expected');
  return text;
};

/** The options by which events are chosen, one meaning at every command. */
export const addFilterOptions = (command: Command): Command =>
  command
    .addOption(new Option('--type <type>', 'for example USER_CREATED').argParser(readType))
    .addOption(new Option('--user <id>', 'id of the user').argParser(readUser))
    .addOption(new Option('--since <time>', 'what happened then or later').argParser(readMoment))
    .addOption(new Option('--until <time>', 'what happened before').argParser(readMoment));

export const addStateOption = (command: Command): Command =>
  command.addOption(new Option('--state <state>').choices(eventStates));

export const filterOf = ({ type, user, since, until, state }: FilterOptions): EventFilter => ({
  ...(type !== undefined && { type }),
  ...(user !== undefined && { key: user }),
  ...(since !== undefined && { sinceMs: since }),
  ...(until !== undefined && { untilMs: until }),
  ...(state !== undefined && { state }),
});
