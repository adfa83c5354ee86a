/**
 * A storage for the client: `cordova-plugin-secure-storage-echo`.
 *
 * @module
 */
import { deviceReady } from "./device-ready.js";
import type { DeviceStorage } from "./device-storage.js";

/** What the plugin calls with its answer. */
// biome-ignore lint/suspicious/noExplicitAny: a string or a list of keys, as the method has it.
export type Answer = (answer: any) => void;

/** A method of the plugin: `values` are a key, and perhaps what is to be kept under it. */
export type Method = (success: Answer, failure: Answer, ...values: string[]) => void;

/** An opened storage of `cordova-plugin-secure-storage-echo`, by the members that are used. */
export interface EchoStorage {
  /** The value, to `success`; if there is none, an error to `failure`. */
  get: Method;
  /** Keeps a value. */
  set: Method;
  /** Takes a value away. */
  remove: Method;
  /** All keys, to `success`. */
  keys: Method;
}

/** `cordova.plugins.SecureStorage`. */
export type EchoStorageConstructor = new (
  success: Answer,
  failure: Answer,
  namespace: string,
  options?: object,
) => EchoStorage;

/** What {@link cordovaSecureStorageEcho} takes besides the plugin. */
export interface EchoOptions {
  /** Name of the storage: one of its own for each app. */
  namespace: string;
  /** What the plugin's constructor takes: `{ android: { unlockCredentialsTitle: "…" } }`. @default none */
  options?: object;
}

/**
 * Keeps the token by `cordova-plugin-secure-storage-echo`: in the keychain on iOS; on Android in
 * SharedPreferences, encrypted with a key of the Android Keystore. Needs a device: the plugin has nothing for
 * browsers, where every call rejects. Can be called at any time, also before `deviceready`. Writes of one key
 * are to be made one after the other, as the client does.
 *
 * On Android the storage opens only where a screen lock is set, and may ask the user to unlock. While it does
 * not open, every call rejects, and the next call tries again.
 *
 * @example
 * const storage = cordovaSecureStorageEcho(() => cordova.plugins.SecureStorage, { namespace: "your-app" });
 * const session = tokenSession(socket, { storage });
 */
export function cordovaSecureStorageEcho(
  plugin: () => EchoStorageConstructor,
  { namespace, options }: EchoOptions,
): DeviceStorage {
  let opened: Promise<EchoStorage> | undefined;

  async function open(): Promise<EchoStorage> {
    await deviceReady();
    let storage: EchoStorage | undefined;
    await new Promise<unknown>((resolve, reject) => {
      storage = new (plugin())(resolve, reject, namespace, options);
    });
    return storage as EchoStorage;
  }

  /** Resolves to `null` if the key is missing. */
  async function call(method: keyof EchoStorage, key: string, ...value: string[]): Promise<string | null> {
    try {
      // Once for all who call meanwhile: on Android, storages opened at the same time take each other's
      // answers.
      opened ||= open();
      const storage = await opened;
      const ask = (method: keyof EchoStorage, ...args: string[]) =>
        new Promise<string>((resolve, reject) => storage[method](resolve, reject, ...args));
      return await ask(method, key, ...value).then(
        // iOS gives nothing where "" is kept.
        (kept) => kept || "",
        async (error) => {
          // "Not found" is said of keys of the system too; the list tells which it is.
          if (value.length || !/found/.test(error) || (await ask("keys")).includes(key)) throw error;
          return null;
        },
      );
    } catch (error) {
      // It may have to be opened, or unlocked, again.
      opened = undefined;
      throw error;
    }
  }

  return {
    getItem: (key) => call("get", key),
    setItem: (key, value) => call("set", key, value),
    removeItem: (key) => call("remove", key),
    // The key is not looked at.
    getKeys: () => call("keys", "") as Promise<unknown> as Promise<string[]>,
  };
}
