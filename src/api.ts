import type { DefaultEventsMap } from "socket.io";
import type { Administration } from "./admin/administration.js";
import type { Health } from "./admin/health.js";
import type { ProbeHandler } from "./admin/probes.js";
import type { SessionError } from "./errors.js";
import type { SessionHandle } from "./handle/handle.js";
import type { ExpressMiddleware } from "./http/express.js";
import type { FastifyPlugin } from "./http/fastify.js";
import type { KoaMiddleware } from "./http/koa.js";
import type { RequestSessionOptions } from "./http/session-middleware.js";
import type { TokenSessionOptions } from "./options.js";
import type { Device } from "./registry/devices.js";
import type { TokenSessionEvents } from "./registry/events.js";
import type { EventsMap, SessionBroadcast } from "./socket.io/broadcaster.js";
import type { WrapHandler } from "./socket.io/handler.js";
import type { AttachTarget, Middleware } from "./socket.io/namespaces.js";
import type { SessionStore, StoreFault } from "./store.js";
import type { fromConnectStore } from "./stores/express-session-backend/from-connect-store.js";
import type { memoryStore } from "./stores/memory.js";

/** Token sessions: attach them to a server or namespace, or pass them to `io.use`. */
export interface TokenSessions extends Middleware, Administration {
  /**
   * Gives every socket of a server's main namespace, or of a namespace, its `socket.session`. The documented
   * form: `io.use(sessions)` does the same. Attach before the server listens. Returns the sessions.
   *
   * Errors: `SESSION_OPTION_INVALID` for anything else, and for a namespace that other token sessions are
   * attached to; `SESSION_UNSUPPORTED` for a server with a cluster adapter where the store is for one process
   * only.
   *
   * @example
   * const sessions = tokenSession({ db: pool }).attach(io);
   */
  attach(target: AttachTarget): this;
  /**
   * Wraps a handler of a socket's event, so that what it throws, or rejects with, does not end the process:
   * the client's acknowledgement is called with `{ error: code }` ({@link HandlerFailure}), the log has the
   * error. `done` is a function also where the client sent none. {@link WrapHandler} has the rules.
   *
   * @example
   * socket.on("name", sessions.handler(async (name, done) => {
   *   await socket.session.set("name", name);
   *   done();
   * }));
   */
  readonly handler: WrapHandler;
  /**
   * Middleware for Express, Connect and their like: a request that carries `Authorization: Bearer <token>`
   * gets that session as `req.session`, the same handle as on sockets; other requests one whose `active` is
   * `false`. While the store cannot be reached, a request that carries a token is answered with `503`, a
   * `Retry-After` header and `{ code, message }`. A new token goes out in the header `Session-Token`. For the
   * type of `req.session`: `import "socket.io-token-session/express"`.
   *
   * Errors: `SESSION_OPTION_INVALID`, here for wrong options, and by `next` where another middleware has set
   * `req.session`.
   *
   * @example
   * app.use(sessions.express());
   * app.get("/cart", (req, res) => res.json(req.session.get("cart", [])));
   */
  express(options?: RequestSessionOptions): ExpressMiddleware;
  /** The same for Koa: `ctx.session`. For its type: `import "socket.io-token-session/koa"`. */
  koa(options?: RequestSessionOptions): KoaMiddleware;
  /**
   * The same as a plugin for Fastify: `request.session`. For its type: `import
   * "socket.io-token-session/fastify"`.
   */
  fastify(options?: RequestSessionOptions): FastifyPlugin;
  /** Where the rows live. */
  readonly store: SessionStore;
  /**
   * Finds out whether sessions will work: reaches the database, tries how values come back, compares the
   * table. Rejects with `SESSION_CONNECTION_INVALID`, `SESSION_TABLE_INVALID` (the message names the
   * difference and carries the CREATE TABLE), `SESSION_STORE_UNAVAILABLE` or `SESSION_STORE_FAILED`.
   */
  check(): Promise<void>;
  /**
   * Whether sessions work in this process, by what is known: it asks nobody, and answers at once. An outage
   * is noticed when a statement fails; on a server that nobody has used yet the status is `"up"`.
   *
   * @example
   * const { status, store } = sessions.health();
   * if (status !== "up") logger.warn({ status, code: store.lastError }, "sessions");
   */
  health(): Health;
  /**
   * Answers `200` as long as the process answers at all, whatever the store does: a restart would not bring
   * that back. A plain `(request, response)` handler.
   *
   * @example
   * app.get("/livez", sessions.liveness);
   */
  readonly liveness: ProbeHandler;
  /**
   * Answers `200` where {@link health} is `"up"` or `"degraded"`, and `503` with `Retry-After` where it is
   * `"down"`; the body is `{ status, reasons }`. A plain `(request, response)` handler.
   *
   * @example
   * app.get("/readyz", sessions.readiness);
   */
  readonly readiness: ProbeHandler;
  /**
   * Calls `listener` at each such event.
   *
   * @example
   * sessions.on("sessionEnd", ({ sessionId, reason }) => logger.info({ sessionId, reason }, "session over"));
   */
  on<Event extends keyof TokenSessionEvents>(event: Event, listener: TokenSessionEvents[Event]): this;
  /** Calls `listener` at the next such event only. */
  once<Event extends keyof TokenSessionEvents>(event: Event, listener: TokenSessionEvents[Event]): this;
  /** Calls `listener` no more. */
  off<Event extends keyof TokenSessionEvents>(event: Event, listener: TokenSessionEvents[Event]): this;
  /**
   * The session with this public id, whether anybody has it open or not; `undefined` where there is none or
   * it has expired. Finding it does not count as use. Errors: `SESSION_ID_INVALID`,
   * `SESSION_STORE_UNAVAILABLE`, `SESSION_STORE_FAILED`.
   *
   * @example
   * const session = await sessions.find(id);
   * await session?.set("plan", "paid");
   */
  find(sessionId: string): Promise<SessionHandle | undefined>;
  /**
   * Ends a session by its public id: its row is deleted, and its sockets, on every server, are told and
   * disconnected (without a cluster adapter when the other server's sweep next comes by: about `revalidate`
   * seconds). One that is not there is no error. Errors: `SESSION_ID_INVALID`, `SESSION_STORE_UNAVAILABLE`,
   * `SESSION_STORE_FAILED`, `SESSION_WRITE_UNCERTAIN`.
   */
  destroy(sessionId: string): Promise<void>;
  /**
   * The devices on which a user is logged in, newest first: each a session that `login(userId)` was called
   * on. Errors: `SESSION_USER_INVALID`, `SESSION_UNSUPPORTED` (a store without a list by user),
   * `SESSION_STORE_UNAVAILABLE`, `SESSION_STORE_FAILED`.
   */
  forUser(userId: string | number): Promise<Device[]>;
  /**
   * Ends the sessions of a user, all but `except` (a session id: the one of the device that asks, perhaps),
   * and resolves to how many. Their clients are told `sessionEnd` with the reason `"revoked"`. Errors: as
   * {@link forUser}, `SESSION_ID_INVALID`, `SESSION_WRITE_UNCERTAIN` where some have ended, or may have, and
   * others have not: call it again.
   *
   * @example
   * await sessions.destroyForUser(socket.session.userId, { except: socket.session.id });
   */
  destroyForUser(userId: string | number, options?: { except?: string | undefined }): Promise<number>;
  /**
   * Sends to every socket that is logged in as this user now, on this server and, with a cluster adapter, on
   * all others: from when `login` resolves until the logout, until the token is replaced (and then from when
   * the socket presents the new one), or until the session is over. In every namespace that these sessions
   * are attached to. The methods are those of `io.to(room)`, and so are the types:
   * `toUser<ServerToClientEvents>(7)`. No room is behind it: nobody can join it, or be taken out.
   *
   * `userId`: as {@link SessionHandle.login} takes it. Errors: `SESSION_USER_INVALID`, `SESSION_CLOSED`.
   *
   * @example
   * sessions.toUser(7).emit("order", { id: 12, state: "sent" });
   */
  toUser<Events extends EventsMap = DefaultEventsMap>(userId: string | number): SessionBroadcast<Events>;
  /**
   * The same for the sockets that have one session open, by its public id, whether or not anybody is logged
   * in. Errors: `SESSION_ID_INVALID`, `SESSION_CLOSED`.
   *
   * @example
   * app.post("/pay", async (req, res) => {
   *   await req.session.set("paid", true);
   *   if (req.session.id) sessions.toSession(req.session.id).emit("paid");
   *   res.end();
   * });
   */
  toSession<Events extends EventsMap = DefaultEventsMap>(sessionId: string): SessionBroadcast<Events>;
  /**
   * Deletes the rows that expired more than an hour ago, in small steps with rests between, and resolves to
   * their number. It happens by itself unless `prune: false`. Errors: `SESSION_UNSUPPORTED` (a store that
   * does it by itself, or not at all), `SESSION_STORE_UNAVAILABLE`, `SESSION_STORE_FAILED`,
   * `SESSION_WRITE_UNCERTAIN` (some rows are deleted, or may be), `SESSION_CLOSED`.
   */
  prune(): Promise<number>;
  /**
   * Accepts no more changes and opens no more sessions, and resolves when each change on its way has been
   * written or rejected; no statement comes after that. The database stays open: it is yours. Close the
   * Socket.IO server first, and what a cluster adapter stands on (a Redis client) afterwards.
   */
  close(): Promise<void>;
}

/** {@link tokenSession} may be called with or without `new`. */
export interface TokenSessionConstructor {
  (options: TokenSessionOptions): TokenSessions;
  new (options: TokenSessionOptions): TokenSessions;
  /** The function itself: `const { tokenSession } = require("socket.io-token-session")` works too. */
  readonly tokenSession: TokenSessionConstructor;
  /** As the export of this name, for `require`. */
  readonly memoryStore: typeof memoryStore;
  /** As the export of this name, for `require`. */
  readonly fromConnectStore: typeof fromConnectStore;
  /** As the export of this name, for `require`. */
  readonly SessionError: typeof SessionError;
  /** As the export of this name, for `require`. */
  readonly StoreFault: typeof StoreFault;
}
