export type { ClientDescription, EndReason, GotToken, SessionEnd } from "../src/wire.js";
export { tokenSession } from "./token-session.js";
export type {
  ClientEndReason,
  ClientError,
  ClientErrorCode,
  ClientEvents,
  ClientOptions,
  ClientSession,
  ClientSocket,
  SessionState,
  TokenStorage,
} from "./types.js";
