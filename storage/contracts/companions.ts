/** Where sessions stand beside this store. */
export const sessionsCompanion = 'redis';

/** What this store knows of a store beside it, which may be emptied while this one is not. */
export interface Companions {
  /**
   * Remembers the incarnation of a companion. Returns the one before, where it was another: of N callers that bring a new one, one is told.
   * Undefined: it is the known one, or the first.
   */
  noteIncarnation(companion: string, incarnation: string): Promise<string | undefined>;
  /** Whether one of that name was ever noted, and not forgotten by a restore since. */
  hasCompanion(companion: string): Promise<boolean>;
}
