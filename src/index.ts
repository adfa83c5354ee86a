/**
 * The server. {@link tokenSession} makes token sessions ({@link TokenSessions}); attached to a Socket.IO
 * server they give each socket its `socket.session` ({@link SessionHandle}) and `socket.withSession` ({@link
 * WithSessionHandler}).
 *
 * @module
 */
// The public surface of the server half, name by name.

export type { Administration, SessionPage } from "./admin/administration.js";
export type { DestroyManyOptions, DestroyProgress } from "./admin/destroy-many.js";
export type { DestroyFilter, ListSessionsOptions, SessionFilter } from "./admin/filter.js";
export type { Health, HealthReason } from "./admin/health.js";
export type { ProbeHandler } from "./admin/probes.js";
export type { ListedSession } from "./admin/select.js";
export type { TokenSessionConstructor, TokenSessions } from "./api.js";
export type { LevelTextLogger, Log, LogFields, Logger, LogMethod, PinoLike } from "./base/log.js";
export { SessionError, type SessionErrorCode } from "./errors.js";
export type {
  AnnouncementFact,
  CutFact,
  EndFact,
  FactMessage,
  FactName,
  FactsByName,
  MintFact,
  OpenFact,
  PoolWaitFact,
  PruneFact,
  RetryFact,
  RotationFact,
  StatementFact,
  StatementKind,
  WriteFact,
} from "./facts.js";
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
export type {
  AuditEvent,
  AuditEvents,
  LoginEvent,
  LogoutEvent,
  RevokeEvent,
  RotateEvent,
} from "./registry/audit-events.js";
export type { Device } from "./registry/devices.js";
export type {
  SessionChangeEvent,
  SessionEndEvent,
  SessionInvalidEvent,
  SessionStartEvent,
  StoreDownEvent,
  StoreUpEvent,
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
  type StoreStats,
  type UnixSeconds,
  type UserPage,
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
