/**
 * A storage for the client: `capacitor-secure-storage-plugin`.
 *
 * @module
 */
import type { DeviceStorage } from "./device-storage.js";
import { inOrder } from "./in-order.js";

/** `SecureStoragePlugin` of `capacitor-secure-storage-plugin`, by the members that are used. */
export interface SecureStoragePluginLike {
  /** The value; rejects if there is none. */
  get(options: { key: string }): Promise<{
    /** The value. */
    value: string;
  }>;
  /** Keeps a value. */
  set(options: { key: string; value: string }): Promise<unknown>;
  /** Takes a value away; rejects if there is none. */
  remove(options: { key: string }): Promise<unknown>;
  /** All keys. */
  keys(): Promise<{
    /** The keys. */
    value: string[];
  }>;
}

/** Is kept for "", which a keychain may give back as nothing; no text is encoded so. */
const EMPTY = "%";

/**
 * Keeps the token by `capacitor-secure-storage-plugin`: in the keychain on iOS, readable from the first
 * unlock after a restart on; on Android in SharedPreferences (`cap_sec`), encrypted with a key of the Android
 * Keystore. In a browser it is localStorage in base64, not encrypted, under the key with `cap_sec_` before
 * it.
 *
 * The plugin says of a value that it cannot decrypt that it does not exist; here it is an error, as long as
 * `keys()` lists it. That lasts until a value is set. On Android a backup brings the file back without its
 * key, so exclude `cap_sec` from backups. Each value written is read back, because on Android the plugin
 * reports success for one that it could not encrypt.
 *
 * @example
 * import { SecureStoragePlugin } from "capacitor-secure-storage-plugin";
 * const session = tokenSession(socket, { storage: capacitorSecureStoragePlugin(SecureStoragePlugin) });
 */
export function capacitorSecureStoragePlugin(plugin: SecureStoragePluginLike): DeviceStorage {
  // In order, so that reading back finds what was written.
  const run = inOrder();
  const missing = (key: string) => async (error: unknown) => {
    if (!/not exist/.test(String(error)) || (await plugin.keys()).value.includes(key)) throw error;
    return null;
  };
  const read = (key: string) =>
    plugin.get({ key }).then(({ value }) => {
      if (!value) throw Error("Empty");
      return value === EMPTY ? "" : decodeURIComponent(value);
    }, missing(key));
  return {
    getItem: (key) => run(() => read(key)),
    setItem: (key, value) =>
      run(async () => {
        // A token stays as it is. Other text becomes ASCII: in a browser the plugin takes nothing else.
        await plugin.set({ key, value: encodeURIComponent(value) || EMPTY });
        if ((await read(key)) !== value) throw Error("Not kept");
      }),
    removeItem: (key) => run(() => plugin.remove({ key }).catch(missing(key))),
    getKeys: async () => (await plugin.keys()).value,
  };
}
