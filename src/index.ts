/**
 * The server. {@link tokenSession} makes token sessions ({@link TokenSessions}); attached to a Socket.IO
 * server they give each socket its `socket.session` ({@link SessionHandle}) and `socket.withSession` ({@link
 * WithSessionHandler}).
 *
 * @module
 */
// The public surface of the server half, name by name.

export type { TokenSessionConstructor, TokenSessions } from "./api.js";
export type { LevelTextLogger, Log, LogFields, Logger, LogMethod, PinoLike } from "./base/log.js";
export { SessionError, type SessionErrorCode } from "./errors.js";
export type { SessionHandle } from "./handle/handle.js";
export type { LogoutOptions } from "./handle/logout.js";
export type { CookieBridgeOptions } from "./http/cookie-bridge.js";
export {
  type CookieHandshake,
  type CookieOptions,
  type CookieReader,
  type FromCookieOptions,
  type FromKoaCookieOptions,
  fromCookie,
  fromKoaCookie,
} from "./http/cookies.js";
export type { ExpressMiddleware } from "./http/express.js";
export type { FastifyInstance, FastifyPlugin } from "./http/fastify.js";
export type { KoaContext, KoaMiddleware } from "./http/koa.js";
export type { RequestSession } from "./http/request-session.js";
export type { RequestSessionOptions } from "./http/session-middleware.js";
export type { TokenSessionOptions } from "./options.js";
export type { Device } from "./registry/devices.js";
export type {
  SessionChangeEvent,
  SessionEndEvent,
  SessionInvalidEvent,
  SessionStartEvent,
  TokenSessionEvents,
} from "./registry/events.js";
export type { BroadcastMethods, SessionBroadcast } from "./socket.io/broadcaster.js";
export type { HandlerFailure, WrapHandler } from "./socket.io/handler.js";
export type { AttachTarget, Middleware } from "./socket.io/namespaces.js";
export type { MissingResult, SessionContext, WithSessionHandler } from "./socket.io/with-session.js";
export {
  type Identity,
  type LegacyRow,
  type ListOptions,
  type NewSession,
  type PruneStep,
  type Seconds,
  type SessionRevision,
  type SessionRow,
  type SessionStore,
  type StoreFactory,
  StoreFault,
  type StoreSettings,
  type UnixSeconds,
  type UserSession,
  type WriteAttempt,
} from "./store.js";
export {
  type ConnectBackendOptions,
  fromConnectStore,
} from "./stores/express-session-backend/from-connect-store.js";
export type { ConnectRecord, ConnectStoreLike } from "./stores/express-session-backend/store-like.js";
export { memoryStore } from "./stores/memory.js";
export type {
  CallbackConnection,
  CallbackPool,
  Database,
  KyselyInstance,
  PromiseConnection,
  PromisePool,
} from "./stores/mysql/db-kinds.js";
export { tokenSession, tokenSession as default } from "./token-session.js";
export type { SessionData, SessionDraft, SessionKey, SessionValue, SessionValues } from "./types.js";
export type {
  ClientDescription,
  EndReason,
  GetToken,
  GotToken,
  GotTokenErrors,
  HandshakeAuth,
  SessionEnd,
} from "./wire.js";
