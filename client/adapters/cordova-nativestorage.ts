/**
 * A storage for the client: `cordova-plugin-nativestorage`.
 *
 * @module
 */
import { deviceReady } from "./device-ready.js";
import type { DeviceStorage } from "./device-storage.js";
import { inOrder } from "./in-order.js";

/** What the plugin calls with its answer. */
export type Answer = (answer?: unknown) => void;

/** `NativeStorage` of `cordova-plugin-nativestorage`, by the members that are used. */
export interface NativeStorageLike {
  /** The value, to `success`; if there is none, an error with the code 2 to `failure`. */
  getItem(key: string, success: Answer, failure: (error: { code: unknown }) => void): void;
  /** Keeps a value. */
  setItem(key: string, value: string, success: Answer, failure: Answer): void;
  /** Takes a value away. */
  remove(key: string, success: Answer, failure: Answer): void;
  /** All keys, to `success`. */
  keys(success: Answer, failure: Answer): void;
}

const NOT_FOUND = 2;

/**
 * Keeps the token by `cordova-plugin-nativestorage`: UserDefaults on iOS, SharedPreferences on Android.
 * Nothing is encrypted, there is no keychain behind it, and backups of the device contain it. In a browser it
 * is localStorage, under the key itself. Can be called at any time, also before `deviceready`. On Windows the
 * plugin says "not found" for every failure.
 *
 * @example
 * const session = tokenSession(socket, { storage: cordovaNativeStorage(() => NativeStorage) });
 */
export function cordovaNativeStorage(plugin: () => NativeStorageLike): DeviceStorage {
  // The native side hands each call to a thread of its own, so two at once may change places.
  const run = inOrder();
  const call = (start: (storage: NativeStorageLike, resolve: Answer, reject: Answer) => void) =>
    run(async () => {
      await deviceReady();
      return new Promise<unknown>((resolve, reject) => start(plugin(), resolve, reject));
    });
  return {
    async getItem(key) {
      const value = await call((storage, resolve, reject) =>
        storage.getItem(key, resolve, (error) => (error.code === NOT_FOUND ? resolve(null) : reject(error))),
      );
      if (value !== null && typeof value !== "string") throw Error("Not text");
      return value;
    },
    setItem: (key, value) => call((storage, resolve, reject) => storage.setItem(key, value, resolve, reject)),
    removeItem: (key) => call((storage, resolve, reject) => storage.remove(key, resolve, reject)),
    getKeys: () => call((storage, resolve, reject) => storage.keys(resolve, reject)) as Promise<string[]>,
  };
}
