import { invalidOption } from "./base/option-table.js";
import { ignoreRejection } from "./base/promises.js";
import { SessionError } from "./errors.js";
import { type Settings, serverOptions } from "./options.js";
import type { SessionStore } from "./store.js";
import { MysqlStore } from "./stores/mysql/mysql-store.js";

/** What each store has: see {@link SessionStore}. */
const REQUIRED = ["load", "insert", "write", "touch", "delete"] as const;

/**
 * Makes the store that the options name. Errors: `SESSION_OPTION_INVALID`; `SESSION_UNSUPPORTED` where it
 * cannot do what another option needs.
 */
export function chosenStore(settings: Settings): SessionStore {
  const { store: factory, db, table } = settings;
  if (!factory) {
    // `createConnection` of mysql2/promise without `await`: it is refused below, and what becomes of it must
    // not end the process.
    ignoreRejection(db);
    return new MysqlStore(db, table, settings);
  }
  const store: Partial<SessionStore> | undefined = factory({ ...settings });
  ignoreRejection(store);
  if (isStore(store)) {
    if (settings.maxPerUser !== undefined && !store.forUser)
      throw new SessionError("SESSION_UNSUPPORTED", "it has no list by user, which maxPerUser needs");
    return store;
  }
  // `memoryStore` instead of `memoryStore()` would pass until the first client comes.
  throw invalidOption(`store must be ${serverOptions.store.mustBe({})}`);
}

function isStore(store: Partial<SessionStore> | undefined): store is SessionStore {
  return REQUIRED.every((method) => typeof store?.[method] === "function");
}
