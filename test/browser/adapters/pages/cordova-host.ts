// Stands in for the native side of a Cordova app: answers as the plugins' Java and Objective-C sources do,
// through the bridge of the cordova.js that @capacitor/core brings (there is none of Cordova's own in a
// package).

interface Command {
  callbackId: string;
  service: string;
  action: string;
  actionArgs: string[];
}
interface Page {
  platform: "android" | "ios" | "browser";
  cordova: {
    require(id: string): {
      nativeCallback(id: string, status: number, message: unknown, keep: boolean): void;
    };
  };
}
const page = window as unknown as Page & Record<string, unknown>;
const { platform } = page;
const android = platform === "android";
const OK = 1;
const ERROR = 9;

const items = new Map<string, string>();
const opened = new Set<string>();
const host = {
  items,
  unreadable: new Set<string>(),
  failing: false,
  /** Whether the phone has a screen lock. */
  secure: true,
  /** Each action asked for, in order. */
  actions: [] as string[],
  /** While set, what is asked is done, and answered, later. */
  held: undefined as (() => void)[] | undefined,
};

class Failure {
  readonly answer: unknown;
  constructor(answer: unknown) {
    this.answer = answer;
  }
}

let openers: string[] | undefined;
/** Android: one slot for who waits for the keys, so who comes meanwhile takes the place. */
function openOnAndroid({ callbackId, actionArgs: [service = ""] }: Command): void {
  opened.add(service);
  if (!host.secure) return reply(callbackId, ERROR, "Device is not secure");
  if (openers) return void openers.push(callbackId);
  openers = [callbackId];
  setTimeout(() => {
    reply(openers?.pop() ?? "", OK, null);
    openers = undefined;
  });
}

const keychainFailure = (action: string, why: string) =>
  new Failure(`Failure in SecureStorage.${action}() - ${why}`);
const LOCKED = "User interaction is not allowed";
const NOT_THERE = "The specified item could not be found in the keychain";

const services: Record<string, Record<string, (...args: string[]) => unknown>> = {
  // cordova-plugin-secure-storage-echo
  SecureStorage: {
    init: () => null,
    get(service = "", key = "") {
      // A NullPointerException, which has no message.
      if (android && !opened.has(service)) throw new Failure(null);
      // Not listed where the app now asks for another accessibility than the value was kept with.
      if (!android && host.unreadable.has(key)) throw keychainFailure("get", LOCKED);
      const value = items.get(key);
      if (value === undefined) {
        throw android ? new Failure(`Key [${key}] not found.`) : keychainFailure("get", NOT_THERE);
      }
      if (host.unreadable.has(key)) throw new Failure("android.security.KeyStoreException: Key not found");
      return android ? value : value || null;
    },
    set(_service, key = "", value = "") {
      if (host.failing) throw android ? new Failure("Key not found") : keychainFailure("set", LOCKED);
      items.set(key, value);
      return key;
    },
    remove(_service, key = "") {
      if (!items.delete(key) && !android) throw keychainFailure("remove", NOT_THERE);
      return key;
    },
    keys: () => [...items.keys()],
  },
  // cordova-plugin-nativestorage
  NativeStorage: {
    getItem(key = "") {
      if (host.unreadable.has(key)) {
        if (!android) return "no JSON";
        throw new Failure("java.lang.Integer cannot be cast to java.lang.String");
      }
      if (!items.has(key)) throw new Failure(2);
      return items.get(key);
    },
    setItem(key = "", value = "") {
      if (host.failing) throw new Failure(1);
      items.set(key, value);
      return value;
    },
    remove(key = "") {
      if (host.failing) throw new Failure(android ? "Remove operation failed" : "Remove has failed");
      items.delete(key);
    },
    keys: () => [...items.keys()],
  },
};

function reply(callbackId: string, status: number, message: unknown): void {
  page.cordova.require("cordova/exec").nativeCallback(callbackId, status, message, false);
}

function execute(command: Command): void {
  const { callbackId, service, action, actionArgs } = command;
  if (android && action === "init") return openOnAndroid(command);
  try {
    reply(callbackId, OK, services[service]?.[action]?.(...actionArgs) ?? null);
  } catch (error) {
    reply(callbackId, ERROR, (error as Failure).answer);
  }
}

function receive(command: Command): void {
  host.actions.push(command.action);
  if (host.held) host.held.push(() => execute(command));
  else setTimeout(() => execute(command));
}

if (android) page["androidBridge"] = { postMessage: (json: string) => receive(JSON.parse(json)) };
else if (platform === "ios") page["webkit"] = { messageHandlers: { bridge: { postMessage: receive } } };
// cordova.js puts an object of its own there, which WebViews allow.
Object.defineProperty(window, "navigator", { value: navigator, writable: true });
page["Capacitor"] = {
  getPlatform: () => platform,
  createEvent: (type: string, data?: object) => Object.assign(new Event(type), data),
};
page["host"] = host;
