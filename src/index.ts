// The public surface of the server half, name by name.
export type { Device } from "./devices.js";
export { SessionError, type SessionErrorCode } from "./errors.js";
export type {
  SessionChangeEvent,
  SessionEndEvent,
  SessionInvalidEvent,
  SessionStartEvent,
  TokenSessionEvents,
} from "./events.js";
export type { LevelTextLogger, Logger, PinoLike } from "./log.js";
export type { TokenSessionOptions } from "./options.js";
export type { SessionHandle } from "./socket.io/handle.js";
export type { AttachTarget, Middleware } from "./socket.io/middleware.js";
export type { MissingResult, SessionContext, WithSessionHandler } from "./socket.io/with-session.js";
export {
  type Identity,
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
export { memoryStore } from "./stores/memory.js";
export type { Database } from "./stores/mysql/database.js";
export {
  type TokenSessionConstructor,
  type TokenSessions,
  tokenSession,
  // What `require("socket.io-token-session")` gives (Node: require of an ES module).
  tokenSession as "module.exports",
  tokenSession as default,
} from "./token-session.js";
export type { SessionData, SessionDraft, SessionKey, SessionValue, SessionValues } from "./types.js";
export type {
  ClientDescription,
  EndReason,
  GetToken,
  GotToken,
  GotTokenErrors,
  SessionEnd,
} from "./wire.js";
