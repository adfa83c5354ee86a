/** A `TokenStorage` that has all methods and answers with promises: what each adapter makes of a plugin. */
export interface DeviceStorage {
  /** The value, `null` if there is none; rejects if it could not be read. */
  getItem(key: string): Promise<string | null>;
  setItem(key: string, value: string): Promise<unknown>;
  removeItem(key: string): Promise<unknown>;
  getKeys(): Promise<string[]>;
}
