// The words that server and client exchange (docs/architecture.md). Shared with client/, so nothing of Node
// or the DOM here.

/** Client to server: `getToken` {@link GetToken}. */
export const GET_TOKEN = "getToken";
/** Server to one client: `gotToken` {@link GotToken}. */
export const GOT_TOKEN = "gotToken";
/** Server to client: `sessionEnd` {@link SessionEnd}; then the socket is disconnected. */
export const SESSION_END = "sessionEnd";

/** Server to client: present the token that you hold now. Sent after it was changed on another connection. */
export const TOKEN_CHANGED = "tokenChanged";

/**
 * Server to client, by HTTP: the header of an answer that brings a new token, in place of the one that came
 * with the request.
 */
export const TOKEN_HEADER = "Session-Token";

/** Content of `getToken`. Clients of the old package send the same. */
export interface GetToken {
  /** The token held, or `""`, `null` or nothing on a first visit. */
  token?: string | null;
  /** As in {@link HandshakeAuth}: for a client that came upon a connected socket. */
  confirm?: true;
  /** As in {@link HandshakeAuth}. */
  nth?: number;
  /** The same; what the handshake has brought stands. */
  client?: ClientDescription;
}

/** What our client puts into the handshake's `auth`. */
export interface HandshakeAuth {
  /** The token held; `""` on a first visit. */
  token: string;
  /** The client acknowledges a new token once it has stored it. */
  confirm?: true;
  /**
   * Number of this presentation, larger than those of the same socket before: {@link GotToken} says by it
   * which one it is about. Clients of 0.1 send none, and are sent none.
   */
  nth?: number;
  /** What the client says of itself, kept with a new session: flat JSON, at most 1 kB. */
  client?: ClientDescription;
}

/**
 * What a client says of itself when its session begins, for example `{ device: "Pixel 9" }`. Not to be
 * trusted.
 */
export type ClientDescription = Record<string, string | number | boolean | null>;

/**
 * Texts of `gotToken.errors`; `""` is success, first visits included. Old apps compare these texts: they
 * never change.
 */
export type GotTokenErrors =
  | ""
  | "Session Not Found"
  | "Session Expired"
  | "Session store unavailable"
  | "Too Many Sessions";

/** Content of `gotToken`, and of the acknowledgement of `getToken`. */
export interface GotToken {
  /** The token to keep; `""` when there is none to give, and then the one held stays good. */
  token: string;
  /** `""`, or why there is no token, or another one than was presented. */
  errors: GotTokenErrors;
  /** Unix seconds of the database's clock at which the session ends unless it is used. */
  expiresAt?: number;
  /**
   * Whether a session was created just now, or the token presented was good. Absent with a new token for the
   * same session.
   */
  created?: boolean;
  /**
   * Which presentation this is the answer to; of a new token for the same session, by which one the client
   * has the token that this one replaces. A client that has presented another token since keeps that. Absent
   * where the client numbers nothing.
   */
  nth?: number;
}

/**
 * Why a session is over: somebody ended it, its time ran out, (of one device) its user or an operator revoked
 * it, or its user has logged in on more devices than `maxPerUser` allows.
 */
export type EndReason = "destroyed" | "expired" | "revoked" | "replaced";

/** Content of `sessionEnd`. */
export interface SessionEnd {
  /** Why it is over. */
  reason: EndReason;
}
