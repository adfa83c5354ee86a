/**
 * Token sessions as the store of express-session: {@link ConnectStore}.
 *
 * @module
 */
import type { Request } from "express";
import session, { type Session, type SessionData } from "express-session";
import type { TokenSessions } from "../api.js";
import { SessionError } from "../errors.js";
import { countUnexpiredRows, unexpiredRows } from "../registry/unexpired-rows.js";
import { toIdleSeconds } from "../row/expiration.js";
import { Values } from "../session/values.js";
import type { SessionRow } from "../store.js";
import { opaqueToken } from "../token/opaque.js";
import { type Content, toTexts } from "./cookie-content.js";
import { type CookieRow, CookieRows } from "./cookie-rows.js";

/** What a method of a store calls back with. */
export type Callback<Result = void> = (error: unknown, result?: Result) => void;

/**
 * A session as `all` lists it: its public id (no cookie can be made of it), its values, its cookie's
 * settings.
 */
export interface ListedSession extends SessionData {
  /** Public id. */
  readonly id: string;
}

/**
 * Token sessions as the store of express-session: what a request sets, sockets of the same session see, and
 * the other way round. A request saves the keys that it has changed since it was read, so overlapping
 * requests and sockets keep each other's keys; on the same key the last one stands. The cookie's session id
 * is nowhere in the table, only hashes of it. The cookie's `maxAge` is the session's idle time; without one
 * the option `expiration` is.
 *
 * Each method calls back with a `SessionError`, or returns a promise where it is given no callback. An
 * unreachable database is an error (`SESSION_STORE_UNAVAILABLE`), never "no session". Throws
 * `SESSION_OPTION_INVALID` for anything but token sessions.
 *
 * @example
 * import session from "express-session";
 * import { ConnectStore } from "socket.io-token-session/express-session";
 *
 * app.use(session({ store: new ConnectStore(sessions), secret, resave: false, saveUninitialized: false }));
 */
export class ConnectStore extends session.Store {
  readonly #rows: CookieRows;

  constructor(sessions: TokenSessions) {
    super();
    this.#rows = new CookieRows(sessions, "ConnectStore");
  }

  /**
   * The public id of the session that a cookie's session id opens: for logs, `sessions.find` and
   * `sessions.destroy`.
   *
   * @example
   * const handle = await sessions.find(store.idOf(req.sessionID));
   */
  idOf(sid: string): string {
    return opaqueToken(sid).sessionId;
  }

  /** The values and the cookie of a session; `null` where there is none or it has expired. */
  override get(sid: string): Promise<SessionData | null>;
  override get(sid: string, callback: Callback<SessionData | null>): void;
  override get(
    sid: string,
    callback?: Callback<SessionData | null>,
  ): Promise<SessionData | null> | undefined {
    return answer(this.#get(sid), callback);
  }

  async #get(sid: string): Promise<SessionData | null> {
    const row = await this.#rows.read(sid);
    if (!row) return null;
    const cookie = cookieOf(row);
    const data = { ...row.values, cookie } as unknown as SessionData;
    // A value under this key is not shown to requests, and stays as it is.
    const texts = new Map([...row.texts].filter(([key]) => isValue(key)));
    row.remember(data, { texts, ...entryOf(cookie) });
    return data;
  }

  /**
   * Remembers what the request's own object was given, so that it is known later what the request has
   * changed.
   */
  override createSession(req: Request, data: SessionData): Session & SessionData {
    const created = super.createSession(req, data);
    // Names of its own methods it leaves out; they must not be taken for deleted.
    const taken = new Set(Object.keys(created));
    this.#rows.inherit(created, data, (key) => taken.has(key));
    return created;
  }

  /**
   * Saves what has changed since this object was read, or a new session. Where the session is over, destroyed
   * on a socket perhaps, it writes nothing, and that is no error. Of an object that was not read here all
   * keys are set, and others stay. Errors: `SESSION_VALUE_INVALID`, `SESSION_TOO_LARGE`, those of the store;
   * then nothing of it is saved.
   */
  override set(sid: string, data: SessionData): Promise<void>;
  override set(sid: string, data: SessionData, callback?: Callback): void;
  override set(sid: string, data: SessionData, callback?: Callback): Promise<void> | undefined {
    const take = (): Content => ({ texts: toTexts(data, isValue), ...entryOf(data.cookie) });
    return answer(this.#rows.save(data, sid, take), callback);
  }

  /** Says that a session is in use, and saves its cookie's settings where the request has changed them. */
  override touch(sid: string, data: SessionData): Promise<void>;
  override touch(sid: string, data: SessionData, callback?: Callback): void;
  override touch(sid: string, data: SessionData, callback?: Callback): Promise<void> | undefined {
    return answer(
      this.#rows.touch(data, sid, () => entryOf(data.cookie)),
      callback,
    );
  }

  /** Ends a session: its row is deleted, its sockets on every server are told and disconnected. */
  override destroy(sid: string): Promise<void>;
  override destroy(sid: string, callback?: Callback): void;
  override destroy(sid: string, callback?: Callback): Promise<void> | undefined {
    return answer(this.#rows.destroy(sid), callback);
  }

  /**
   * All unexpired sessions, those of sockets alone too. All of them at once in memory: for tools, not for
   * requests. Errors: `SESSION_UNSUPPORTED`, those of the store.
   */
  override all(): Promise<ListedSession[]>;
  override all(callback: Callback<ListedSession[]>): void;
  override all(callback?: Callback<ListedSession[]>): Promise<ListedSession[]> | undefined {
    return answer(this.#all(), callback);
  }

  async #all(): Promise<ListedSession[]> {
    const listed: ListedSession[] = [];
    for await (const rows of unexpiredRows(this.#rows.registry))
      for (const row of rows) {
        const one = this.#listed(row);
        if (one) listed.push(one);
      }
    return listed;
  }

  #listed({ sessionId, data, idleSeconds, expires }: SessionRow): ListedSession | undefined {
    try {
      const values = Values.parse(data ?? "{}", sessionId);
      const entry = values.reserved === undefined ? undefined : JSON.parse(values.reserved);
      const cookie = cookieOf({ entry, idleSeconds, expires });
      return { ...values.toJSON(), cookie, id: sessionId } as unknown as ListedSession;
    } catch (error) {
      // A row that cannot be read is no reason to list none.
      if (error instanceof SessionError) this.#rows.registry.reportError(error);
      else throw error;
      return undefined;
    }
  }

  /** How many sessions live. Errors: `SESSION_UNSUPPORTED`, those of the store. */
  override length(): Promise<number>;
  override length(callback: Callback<number>): void;
  override length(callback?: Callback<number>): Promise<number> | undefined {
    return answer(countUnexpiredRows(this.#rows.registry), callback);
  }

  /**
   * Ends every session, those of sockets alone too: 256 in a statement, each told to its sockets. Where it
   * fails half-way (`SESSION_WRITE_UNCERTAIN`), call it again. Errors: as of `destroy` and `all`.
   */
  override clear(): Promise<void>;
  override clear(callback?: Callback): void;
  override clear(callback?: Callback): Promise<void> | undefined {
    return answer(this.#rows.clear(), callback);
  }
}

/**
 * By a callback, out of the promise's course, so that what it throws is thrown as from any callback; or by a
 * promise.
 */
function answer<Result>(result: Promise<Result>, callback?: Callback<Result>): Promise<Result> | undefined {
  if (!callback) return result;
  result.then(
    (value) => process.nextTick(callback, null, value),
    (error: unknown) => process.nextTick(callback, error),
  );
  return undefined;
}

function isValue(key: string): boolean {
  return key !== "cookie";
}

/** The cookie's settings as the table has them. `expires` moves with every request and is no change. */
function entryOf(cookie: unknown): Omit<Content, "texts"> {
  if (typeof cookie !== "object" || cookie === null) return {};
  const entry = JSON.stringify(cookie);
  const { expires: _, ...settings } = JSON.parse(entry);
  const idleSeconds = toIdleSeconds(settings.originalMaxAge);
  // In seconds: express-session's own arithmetic loses a millisecond now and then, and nobody has changed
  // anything by that.
  return { entry, mark: JSON.stringify({ ...settings, originalMaxAge: idleSeconds }), idleSeconds };
}

/** The cookie's settings as express-session expects them: without these every request would fail. */
function cookieOf({
  entry,
  idleSeconds,
  expires,
}: Pick<CookieRow, "entry" | "idleSeconds" | "expires">): object {
  const own = (entry ?? {}) as { readonly originalMaxAge?: unknown };
  const isCookie = typeof own.originalMaxAge === "number" || own.originalMaxAge === null;
  const originalMaxAge = idleSeconds === null ? null : idleSeconds * 1000;
  const cookie = isCookie ? own : { originalMaxAge, httpOnly: true, path: "/" };
  const lasts = typeof cookie.originalMaxAge === "number";
  return { ...cookie, expires: lasts ? new Date(expires * 1000).toISOString() : null };
}
