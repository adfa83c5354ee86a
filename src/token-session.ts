import { EventEmitter } from "node:events";
import { SessionError } from "./errors.js";
import { type TokenSessionOptions, toSettings } from "./options.js";
import { storeError } from "./retry.js";
import { SessionRegistry } from "./sessions.js";
import { type AttachTarget, attachTo, createMiddleware, type Middleware } from "./socket.io/middleware.js";
import { Outages } from "./socket.io/outages.js";
import { type SessionStore, StoreFault } from "./store.js";
import { memoryStore } from "./stores/memory.js";
import { MysqlStore } from "./stores/mysql.js";
import { startSweep } from "./sweep.js";

/** Events of {@link TokenSessions}. */
export interface TokenSessionEvents {
  /** A change could not be saved, or a row could not be read; also logged. Listening is optional. */
  error: (error: SessionError) => void;
}

/** Token sessions: attach them to a server or namespace, or pass them to `io.use`. */
export interface TokenSessions extends Middleware {
  /**
   * Gives every socket of a server's main namespace, or of a namespace, its `socket.session`. The documented form:
   * `io.use(sessions)` does the same. Attach before the server listens. Returns the sessions.
   *
   * Errors: `SESSION_OPTION_INVALID` for anything else, and for a namespace that other token sessions are attached to.
   *
   * @example
   * const sessions = tokenSession({ db: pool }).attach(io);
   */
  attach(target: AttachTarget): this;
  /** Where the rows live. */
  readonly store: SessionStore;
  /**
   * Finds out whether sessions will work: reaches the database, tries how values come back, compares the table.
   * Rejects with `SESSION_CONNECTION_INVALID`, `SESSION_TABLE_INVALID` (the message names the difference and carries the
   * CREATE TABLE), `SESSION_STORE_UNAVAILABLE` or `SESSION_STORE_FAILED`.
   */
  check(): Promise<void>;
  on<Event extends keyof TokenSessionEvents>(event: Event, listener: TokenSessionEvents[Event]): this;
  once<Event extends keyof TokenSessionEvents>(event: Event, listener: TokenSessionEvents[Event]): this;
  off<Event extends keyof TokenSessionEvents>(event: Event, listener: TokenSessionEvents[Event]): this;
  /**
   * Opens no more sessions, and resolves when every change on its way has been written or rejected. The database stays open:
   * it is yours. Close the Socket.IO server first.
   */
  close(): Promise<void>;
}

/** {@link tokenSession} may be called with or without `new`. */
export interface TokenSessionConstructor {
  (options: TokenSessionOptions): TokenSessions;
  new (options: TokenSessionOptions): TokenSessions;
  // What `require("socket.io-token-session")` offers besides the function itself.
  readonly tokenSession: TokenSessionConstructor;
  readonly memoryStore: typeof memoryStore;
  readonly SessionError: typeof SessionError;
  readonly StoreFault: typeof StoreFault;
}

const registries = new WeakMap<TokenSessions, SessionRegistry>();

/** For tests: what is behind token sessions. @internal */
export function registryOf(sessions: TokenSessions): SessionRegistry | undefined {
  return registries.get(sessions);
}

// A function declaration: unlike an arrow function it can be called with `new`, as the old package was.
function createTokenSession(options: TokenSessionOptions): TokenSessions {
  const settings = toSettings(options);
  const { clock, log, required } = settings;
  const emitter = new EventEmitter();
  const storeSettings = { ...settings, log };
  const store = settings.store?.(storeSettings) ?? new MysqlStore(settings.db, settings.table, storeSettings);
  const registry = new SessionRegistry(settings, store, (error) => {
    // Without a listener Node would throw it; it has been logged.
    if (emitter.listenerCount("error") > 0) emitter.emit("error", error);
  });
  const context = { registry, outages: new Outages(clock, log), required };
  const middleware = createMiddleware(context);
  const stopSweep = startSweep(registry, clock, settings.touchEvery);

  const sessions: TokenSessions = Object.assign(middleware, {
    store,
    attach(target: AttachTarget) {
      attachTo(target, middleware, context);
      return sessions;
    },
    async check() {
      try {
        await store.check?.();
      } catch (error) {
        throw storeError(error);
      }
    },
    on: subscribe("on"),
    once: subscribe("once"),
    off: subscribe("off"),
    async close() {
      stopSweep();
      await registry.close();
    },
  });

  registries.set(sessions, registry);

  function subscribe(method: "on" | "once" | "off") {
    return (event: keyof TokenSessionEvents, listener: TokenSessionEvents["error"]) => {
      emitter[method](event, listener);
      return sessions;
    };
  }
  return sessions;
}

/**
 * Makes token sessions for Socket.IO. Throws `SESSION_OPTION_INVALID` for a wrong option; touches no database until the first
 * client comes (or `check()` is called), and never creates a table: apply `sql/session.sql` first.
 *
 * @example
 * import { createPool } from "mysql2/promise";
 * import { Server } from "socket.io";
 * import { tokenSession } from "socket.io-token-session";
 *
 * const io = new Server(3000);
 * const sessions = tokenSession({ db: createPool(process.env.DATABASE_URL!), expiration: 3600 });
 * sessions.attach(io);
 *
 * io.on("connection", (socket) => {
 *   socket.on("login", async (userId: number) => {
 *     await socket.session.set("userId", userId);
 *   });
 * });
 */
export const tokenSession: TokenSessionConstructor = Object.assign(
  createTokenSession as unknown as TokenSessionConstructor,
  {
    tokenSession: createTokenSession as unknown as TokenSessionConstructor,
    memoryStore,
    SessionError,
    StoreFault,
  },
);
