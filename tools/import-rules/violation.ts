export interface Violation {
  /** Path below the root, with `/`. */
  readonly file: string;
  /** First line is 1. */
  readonly line: number;
  readonly rule: string;
  readonly message: string;
}
