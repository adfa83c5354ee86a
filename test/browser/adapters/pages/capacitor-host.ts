// Stands in for the native side of a Capacitor app: answers as the plugins' Java and Swift sources do, over
// Capacitor's own bridge.

interface Capacitor {
  PluginHeaders: { name: string; methods: { name: string; rtype: "promise" }[] }[];
  Exception?: new (message: string) => Error;
  nativePromise(plugin: string, method: string, options: Options): Promise<unknown>;
}
type Options = Record<"key" | "prefixedKey" | "value" | "data" | "prefix", string>;
const page = window as unknown as { platform: "android" | "ios"; Capacitor: Capacitor } & Record<
  string,
  unknown
>;
const { platform } = page;
const android = platform === "android";

const items = new Map<string, string>();
const host = { items, unreadable: new Set<string>(), failing: false };

class Rejection {
  readonly message: string;
  readonly code: string | undefined;
  constructor(message: string, code?: string) {
    this.message = message;
    this.code = code;
  }
}
const NOT_THERE = new Rejection("Item with given key does not exist");

/** What the plugin gets of the system; iOS gives nothing where "" is kept. */
function found(key: string): string | undefined {
  if (host.unreadable.has(key)) return undefined;
  return android ? items.get(key) : items.get(key) || undefined;
}

function write(key: string, value: string): boolean {
  if (host.failing) return false;
  host.unreadable.delete(key);
  items.set(key, value);
  return true;
}

const plugins: Record<string, Record<string, (options: Options) => unknown>> = {
  // capacitor-secure-storage-plugin
  SecureStoragePlugin: {
    get({ key }) {
      // iOS: kept by an early version of the plugin elsewhere, and cannot be brought over.
      if (!android && host.unreadable.has(key) && !items.has(key)) throw new Rejection("error");
      const value = found(key);
      if (value === undefined) throw NOT_THERE;
      return { value };
    },
    set({ key, value }) {
      // Android logs why it could not encrypt, and goes on.
      if (!write(key, value) && !android) throw new Rejection("error");
      return { value: true };
    },
    remove({ key }) {
      if (found(key) === undefined) throw NOT_THERE;
      if (host.failing) throw new Rejection("Remove failed");
      items.delete(key);
      return { value: true };
    },
    keys: () => ({ value: [...items.keys()] }),
  },
  // @aparajita/capacitor-secure-storage
  SecureStorage: {
    internalGetItem({ prefixedKey }) {
      if (android && host.unreadable.has(prefixedKey)) {
        throw new Rejection("An OS error occurred (UnrecoverableKeyException)", "osError");
      }
      return { data: found(prefixedKey) ?? null };
    },
    internalSetItem({ prefixedKey, data }) {
      if (write(prefixedKey, data)) return undefined;
      throw new Rejection(`An OS error occurred (${android ? "KeyStoreException" : "-25308"})`, "osError");
    },
    internalRemoveItem: ({ prefixedKey }) => ({ success: items.delete(prefixedKey) }),
    internalGetPrefixedKeys: ({ prefix }) => ({
      keys: [...items.keys()].filter((key) => key.startsWith(prefix)),
    }),
  },
};

if (android) page["androidBridge"] = {};
else page["webkit"] = { messageHandlers: { bridge: {} } };

page.Capacitor = {
  PluginHeaders: Object.entries(plugins).map(([name, methods]) => ({
    name,
    methods: Object.keys(methods).map((name) => ({ name, rtype: "promise" as const })),
  })),
  // Options and answers cross over as JSON, in order, and in a later turn of the event loop.
  async nativePromise(plugin, method, options) {
    const asked = JSON.parse(JSON.stringify(options ?? {})) as Options;
    await new Promise((resolve) => setTimeout(resolve));
    try {
      return JSON.parse(JSON.stringify(plugins[plugin]?.[method]?.(asked) ?? null));
    } catch (error) {
      if (!page.Capacitor.Exception) throw error;
      throw Object.assign(new page.Capacitor.Exception(""), error);
    }
  },
};
page["host"] = host;
