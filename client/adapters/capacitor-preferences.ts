/**
 * A storage for the client: `@capacitor/preferences`.
 *
 * @module
 */
import type { DeviceStorage } from "./device-storage.js";

/** `Preferences` of `@capacitor/preferences`, by the members that are used. */
export interface PreferencesLike {
  /** The value, `null` if there is none. */
  get(options: { key: string }): Promise<{
    /** The value. */
    value: string | null;
  }>;
  /** Keeps a value. */
  set(options: { key: string; value: string }): Promise<void>;
  /** Takes a value away. */
  remove(options: { key: string }): Promise<void>;
  /** All keys. */
  keys(): Promise<{
    /** The keys. */
    keys: string[];
  }>;
}

/**
 * Keeps the token by `@capacitor/preferences`: UserDefaults on iOS, SharedPreferences on Android. Unlike
 * localStorage these are not cleared when the system is short of space. Nothing is encrypted, there is no
 * keychain behind it, and backups of the device contain it. In a browser it is localStorage, under the key
 * with `CapacitorStorage.` before it.
 *
 * A call of `Preferences.configure` changes where values are looked for: make it before the session is begun.
 *
 * @example
 * import { Preferences } from "@capacitor/preferences";
 * const session = tokenSession(socket, { storage: capacitorPreferences(Preferences) });
 */
export function capacitorPreferences(preferences: PreferencesLike): DeviceStorage {
  return {
    getItem: async (key) => (await preferences.get({ key })).value ?? null,
    setItem: (key, value) => preferences.set({ key, value }),
    removeItem: (key) => preferences.remove({ key }),
    getKeys: async () => (await preferences.keys()).keys,
  };
}
