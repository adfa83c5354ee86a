/**
 * Token sessions as the store of koa-session: {@link KoaSessionStore}.
 *
 * @module
 */

import type { TokenSessions } from "../api.js";
import { toIdleSeconds } from "../row/expiration.js";
import { opaqueToken } from "../token/opaque.js";
import { type Content, toTexts } from "./cookie-content.js";
import { CookieRows } from "./cookie-rows.js";

/** What koa-session passes along: the context of the request. */
export interface KoaSessionContext {
  /** Requests are told apart by it. */
  readonly ctx?: unknown;
}

/**
 * Token sessions as the store of koa-session: what a request sets, sockets of the same session see, and the
 * other way round. A request saves the keys that it has changed since it was read, so overlapping requests
 * and sockets keep each other's keys; on the same key the last one stands. The cookie's key is nowhere in the
 * table, only hashes of it. `maxAge` is the session's idle time; with `maxAge: "session"` the option
 * `expiration` is.
 *
 * Each method rejects with a `SessionError`. An unreachable database is an error
 * (`SESSION_STORE_UNAVAILABLE`), never "no session". Throws `SESSION_OPTION_INVALID` for anything but token
 * sessions.
 *
 * @example
 * import session from "koa-session";
 * import { KoaSessionStore } from "socket.io-token-session/koa-session";
 *
 * app.use(session({ store: new KoaSessionStore(sessions) }, app));
 */
export class KoaSessionStore {
  readonly #rows: CookieRows;

  constructor(sessions: TokenSessions) {
    this.#rows = new CookieRows(sessions, "KoaSessionStore");
  }

  /**
   * The public id of the session that a cookie's key opens: for logs, `sessions.find` and `sessions.destroy`.
   *
   * @example
   * const handle = await sessions.find(store.idOf(ctx.session.externalKey));
   */
  idOf(key: string): string {
    return opaqueToken(key).sessionId;
  }

  /**
   * The values of a session with koa-session's own entries; `undefined` where there is none or it has
   * expired.
   */
  async get(
    key: string,
    _maxAge?: number | "session",
    { ctx }: KoaSessionContext = {},
  ): Promise<Record<string, unknown> | undefined> {
    const row = await this.#rows.read(key);
    if (!row) return undefined;
    const own = ownOf((row.entry ?? {}) as Record<string, unknown>);
    const shown = Object.entries(row.values).filter(([name]) => isShown(name));
    const data = Object.fromEntries([...shown, ...own]);
    const texts = new Map([...row.texts].filter(([name]) => isShown(name)));
    row.remember(holderOf(ctx) ?? data, { texts, ...entryOf(own) });
    return data;
  }

  /**
   * Saves what has changed since this request has read it, or a new session. Where the session is over,
   * destroyed on a socket perhaps, it writes nothing, and that is no error. Where this request has read
   * nothing of it, all keys are set, and others stay. Errors: `SESSION_VALUE_INVALID`, `SESSION_TOO_LARGE`,
   * those of the store; then nothing of it is saved.
   */
  set(
    key: string,
    data: Record<string, unknown>,
    maxAge?: number | "session",
    { ctx }: KoaSessionContext = {},
  ): Promise<void> {
    const take = (): Content => ({
      texts: toTexts(data, (name) => !OWN.has(name)),
      ...entryOf(ownOf(data), maxAge),
    });
    return this.#rows.save(holderOf(ctx) ?? data, key, take);
  }

  /** Ends a session: its row is deleted, its sockets on every server are told and disconnected. */
  destroy(key: string, { ctx }: KoaSessionContext = {}): Promise<void> {
    // By `regenerate` too, which then saves the same values under another key.
    return this.#rows.destroy(key, holderOf(ctx));
  }

  /**
   * Ends every session, those of sockets alone too: 256 in a statement, each told to its sockets. For tools:
   * koa-session does not call it. Where it fails half-way (`SESSION_WRITE_UNCERTAIN`), call it again. Errors:
   * as of `destroy`, `SESSION_UNSUPPORTED`.
   */
  clear(): Promise<void> {
    return this.#rows.clear();
  }
}

/** What koa-session keeps among the values: until when, and how long, its cookie lasts. */
const OWN = new Set(["_expire", "_maxAge", "_session"]);

/** Members of koa-session's own object: as values they would break it, or be taken for settings. */
const MEMBERS = new Set([
  "commit",
  "externalKey",
  "isNew",
  "length",
  "manuallyCommit",
  "maxAge",
  "populated",
  "regenerate",
  "save",
  "toJSON",
]);

/** Whether koa-session can hold a value by this name, and gives it back when it saves. */
function isShown(name: string): boolean {
  return !name.startsWith("_") && !MEMBERS.has(name);
}

function ownOf(data: Record<string, unknown>): [string, unknown][] {
  return Object.entries(data).filter(([name]) => OWN.has(name));
}

function entryOf(own: [string, unknown][], maxAge?: number | "session"): Omit<Content, "texts"> {
  if (own.length === 0 && maxAge === undefined) return {};
  const settings: OwnEntries = Object.fromEntries(own);
  const { _expire: _, ...lasting } = settings;
  return {
    entry: JSON.stringify(settings),
    mark: JSON.stringify(lasting),
    ...(settings._expire !== undefined && { mergeEntry: (theirs) => mergeEntry(settings, theirs) }),
    idleSeconds: toIdleSeconds(maxAge),
  };
}

/**
 * What koa-session keeps beside the values: Unix milliseconds, milliseconds, and instead of both, that the
 * browser decides.
 */
interface OwnEntries {
  readonly _expire?: unknown;
  readonly _maxAge?: unknown;
  readonly _session?: unknown;
}

/** A request that has not changed how long the cookie lasts renews it for as long as the row says by now. */
function mergeEntry({ _expire, _maxAge }: OwnEntries, theirs: unknown): unknown {
  const now = { ...(theirs as OwnEntries) };
  return typeof now._maxAge === "number"
    ? { ...now, _expire: Number(_expire) - Number(_maxAge) + now._maxAge }
    : now;
}

function holderOf(ctx: unknown): object | undefined {
  return typeof ctx === "object" && ctx !== null ? ctx : undefined;
}
