/** A `TokenStorage` that has all methods and answers with promises: what each adapter makes of a plugin. */
export interface DeviceStorage {
  /** The value, `null` if there is none; rejects if it could not be read. */
  getItem(key: string): Promise<string | null>;
  /** Rejects if the value is not kept. */
  setItem(key: string, value: string): Promise<unknown>;
  /** Takes the value away; a key without one is no error. */
  removeItem(key: string): Promise<unknown>;
  /** All keys of the storage. */
  getKeys(): Promise<string[]>;
}
