/**
 * The client, for browsers, apps and Node: {@link tokenSession} gives a socket of socket.io-client its
 * session.
 *
 * @module
 */
export type { ClientDescription, EndReason, GotToken, GotTokenErrors, SessionEnd } from "../src/wire.js";
export type { DeviceStorage } from "./adapters/device-storage.js";
export { tokenSession } from "./token-session.js";
export type {
  ClientEndReason,
  ClientError,
  ClientErrorCode,
  ClientEvents,
  ClientOptions,
  ClientSession,
  ClientSocket,
  MaybePromise,
  SessionState,
  TokenStorage,
} from "./types.js";
