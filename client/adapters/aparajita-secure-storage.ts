/**
 * A storage for the client: `@aparajita/capacitor-secure-storage`.
 *
 * @module
 */
import type { DeviceStorage } from "./device-storage.js";

/** `SecureStorage` of `@aparajita/capacitor-secure-storage`, by the members that are used. */
export interface SecureStorageLike {
  /** The value, `null` if there is none. */
  get(key: string, convertDate?: boolean): Promise<unknown>;
  /** Keeps a value. */
  set(key: string, data: string, convertDate?: boolean): Promise<void>;
  /** Takes a value away. */
  remove(key: string): Promise<unknown>;
  /** All keys. */
  keys(): Promise<string[]>;
}

/**
 * Keeps the token by `@aparajita/capacitor-secure-storage`: in the keychain on iOS; on Android in
 * SharedPreferences, encrypted with a key of the Android Keystore. In a browser it is localStorage, not
 * encrypted, under the key with `capacitor-storage_` before it.
 *
 * On iOS the plugin cannot tell a keychain that is locked from one that has no value: it says `null` for
 * both. If the app may be started while the phone is locked (by a push message, say), let the plugin keep
 * what it writes readable then: `await
 * SecureStorage.setDefaultKeychainAccess(KeychainAccess.afterFirstUnlock)`.
 *
 * @example
 * import { SecureStorage } from "@aparajita/capacitor-secure-storage";
 * const session = tokenSession(socket, { storage: aparajitaSecureStorage(SecureStorage) });
 */
export function aparajitaSecureStorage(secureStorage: SecureStorageLike): DeviceStorage {
  return {
    async getItem(key) {
      // `false`: else text that looks like a date comes back as a Date.
      const value = (await secureStorage.get(key, false)) ?? null;
      if (value === null || typeof value === "string") return value;
      throw new Error("The value kept is not text");
    },
    setItem: (key, value) => secureStorage.set(key, value, false),
    async removeItem(key) {
      await secureStorage.remove(key);
    },
    getKeys: () => secureStorage.keys(),
  };
}
