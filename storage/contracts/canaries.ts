/** Sealed values that are known, one for each root key: whoever cannot open one holds another key under that id. */
export interface Canaries {
  /** Keeps it unless there is one of that key. Returns the one that stands: of N callers at once all get the same. */
  keepCanary(keyId: string, sealed: string): Promise<string>;
  /** Ids of the keys that have one. */
  listCanaryKeys(): Promise<readonly string[]>;
}
