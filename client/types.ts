import type { ClientDescription, EndReason, GotTokenErrors } from "../src/wire.js";

/** What may be given at once or by a promise. */
export type MaybePromise<Value> = Value | Promise<Value>;

/**
 * Where tokens are kept: `localStorage` fits, and so does what `socket.io-token-session/client/…` has for the
 * storages of native apps. Synchronous or asynchronous.
 */
export interface TokenStorage {
  /**
   * The value, `null` (or nothing) where there is none. Throws or rejects where it could not be read: that is
   * something else, and the client then asks again instead of taking the token for missing.
   */
  getItem(key: string): MaybePromise<string | null | undefined>;
  /** Throws or rejects if the value is not kept. What it gives matters only beside `present`. */
  setItem(key: string, value: string): MaybePromise<unknown>;
  /** Takes the value away; throws or rejects if it stays. */
  removeItem(key: string): MaybePromise<unknown>;
  /**
   * All keys, for `session.identities()`; without it the names of the object's properties, as `localStorage`
   * has them.
   */
  getKeys?(): MaybePromise<Iterable<string>>;
  /**
   * What goes to the server over Socket.IO in place of the token that is stored (`""`: none), asked for each
   * time, for a storage that keeps only what stands for it (the token itself may be in an httpOnly cookie).
   * Rejects where there is none for now: the client then asks again. `setItem` of such a storage gives the
   * text that is stored from now on. Without it the token itself is presented.
   */
  present?(token: string): Promise<string>;
}

/** What the client's {@link tokenSession} takes. */
export interface ClientOptions {
  /** Where tokens are kept. @default localStorage; without one that works, memory, with a warning */
  storage?: TokenStorage;
  /**
   * Key in the storage.
   * @default "socket.io-token-session." and the server's origin, with `_` for what is no letter, digit, `.`,
   * `_` or `-`
   */
  key?: string;
  /** Which of several identities on this device, by any name. Each has its token. @default "" */
  identity?: string;
  /**
   * Where an older version of the app kept the token, if there is none yet where it is kept now: another
   * storage, another key (such as `"token"`), or both. It is moved once. @default nothing
   */
  migrateFrom?: {
    /** Where it was kept. @default where it is kept now */
    storage?: TokenStorage;
    /** Under which key. @default the one of now */
    key?: string;
  };
  /** What the server keeps of this device with a new session: flat JSON, at most 1 kB. @default nothing */
  client?: ClientDescription;
  /**
   * Whether a session that is over is followed by a fresh one. Without, the socket stays disconnected.
   * @default true
   */
  restart?: boolean;
  /**
   * Origins that `session.fetch` shows the token to, such as `["https://api.your.server"]`. @default the
   * server's own
   */
  origins?: readonly string[];
}

/**
 * What becomes of the session here: `"opening"`, its token is on the way to the server; `"open"`, the server
 * has answered; `"waiting"`, there is no connection yet, or something is away (connection, database,
 * storage), and it is tried again by itself; `"ended"`, nothing happens until `socket.connect()`.
 */
export type SessionState = "opening" | "open" | "waiting" | "ended";

/**
 * Why a session is over: the server said `"destroyed"`, `"expired"`, `"revoked"` or `"replaced"` (the user
 * has logged in on more devices than the server's `maxPerUser`); or it had gone when the client came back
 * (`gotToken` said `"Session Expired"` or `"Session Not Found"`); or its token was dropped on this device, by
 * `forget()` in this tab or another (`"forgotten"`); or this device goes on with another session
 * (`"replaced"` too), as when another tab has ended this one and begun the next while this tab was frozen or
 * offline.
 */
export type ClientEndReason =
  | EndReason
  | Exclude<GotTokenErrors, "" | "Session store unavailable" | "Too Many Sessions">
  | "forgotten";

/**
 * `storage`: the storage failed, or the browser keeps no cookie for it; the `cause` is its error. `server`:
 * the server cannot give a session now; the `cause` is its words, `"Session store unavailable"` or `"Too Many
 * Sessions"`. Both are tried again by themselves.
 */
export type ClientErrorCode = "storage" | "server";

/** Something does not work for now. */
export interface ClientError {
  /** What does not work. */
  readonly code: ClientErrorCode;
  /** The storage's error, or the server's words. */
  readonly cause: unknown;
}

/** Events of a {@link ClientSession}, each with one argument. */
export interface ClientEvents {
  /** The socket has a session that it did not have before; `created`: a new one, which knows nothing yet. */
  start: {
    /** Its public id. */
    id: string;
    /** Whether it is new. */
    created: boolean | undefined;
  };
  /** {@link ClientSession.state} has changed. */
  state: {
    /** What it is now. */
    state: SessionState;
    /** What it was before. */
    previous: SessionState;
  };
  /** The token held is another now (first, rotated, of another tab). A credential. */
  token: string;
  /** The session is over. */
  end: {
    /** Why it is over. */
    reason: ClientEndReason;
  };
  /** Something does not work for now. */
  error: ClientError;
}

/** A socket of socket.io-client 4, by the members that are used. */
export interface ClientSocket {
  /** Whether there is a connection. */
  connected: boolean;
  /** Whether it connects again by itself. */
  readonly active: boolean;
  /**
   * What the handshake brings, as in socket.io-client: an object, or a function that is called for each
   * connection.
   */
  auth: Record<string, unknown> | ((callback: (data: object) => void) => void);
  /** Its manager. */
  readonly io: object;
  /** What `tokenSession(socket)` has made of it. */
  tokenSession?: ClientSession;
  /** Connects. */
  connect(): unknown;
  /** Disconnects, and stays so. */
  disconnect(): unknown;
  /** Calls `listener` at each such event from the server. */
  // biome-ignore lint/suspicious/noExplicitAny: sockets with typed events differ in each parameter.
  on(event: string, listener: (...args: any[]) => void): unknown;
  /** Sends an event to the server. */
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  emit(event: string, ...args: any[]): unknown;
}

/** The client's side of its session. */
export interface ClientSession {
  /** The token held, `""` before the first. A credential: show it to nobody. */
  readonly token: string;
  /** Public id of the session, `""` before the first token and with a token of the old package. */
  readonly id: string;
  /** What becomes of it just now. */
  readonly state: SessionState;
  /**
   * Resolves when the session is open for the first time (after an end, or `use`: again for the first time).
   * Never rejects.
   */
  readonly ready: Promise<void>;
  /**
   * Calls `listener` at each such event; gives a function that stops that.
   *
   * @example
   * const stop = session.on("end", ({ reason }) => showLogin(reason));
   */
  on<Name extends keyof ClientEvents>(
    event: Name,
    listener: (content: ClientEvents[Name]) => void,
  ): () => void;
  /**
   * The global `fetch` with `Authorization: Bearer <token>`, if it goes to one of the option `origins` (by
   * default the server's own); otherwise as it is. Waits for the first token.
   */
  fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>;
  /** Goes on as another identity, by reconnecting. Resolves when its session is open. */
  use(identity: string): Promise<void>;
  /**
   * Identities of which there is a token on this device, in no particular order. Rejects if the storage
   * cannot be read.
   */
  identities(): Promise<string[]>;
  /**
   * Drops the token on this device, in all tabs; on the server the session stays until it expires. Then goes
   * on as after an end (option `restart`). To end the session itself, have the server do so. Rejects if the
   * storage fails.
   */
  forget(): Promise<void>;
  /**
   * To be called when the app has come to the front or the network is back: finds out whether the connection
   * is still alive, and reconnects at once if not. Called by itself where the page is told: in browsers,
   * Cordova and Capacitor. For the rest:
   *
   * @example
   * App.addListener("resume", session.resume); // App of @capacitor/app
   * AppState.addEventListener("change", (state) => state === "active" && session.resume()); // React Native
   */
  resume(): void;
}
