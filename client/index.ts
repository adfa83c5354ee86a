import {
  type ClientDescription,
  GET_TOKEN,
  type GetToken,
  GOT_TOKEN,
  type GotToken,
  type HandshakeAuth,
  SESSION_END,
  type SessionEnd,
  TOKEN_CHANGED,
} from "../src/wire.js";

export type { ClientDescription, GotToken, SessionEnd };

/** Where the token is kept: `localStorage`, or anything with these two methods. */
export interface TokenStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

export interface ClientOptions {
  /** Where the token is kept. @default localStorage */
  storage?: TokenStorage;
  /** Under which key. @default "socket.io-token-session" */
  key?: string;
  /** What the server keeps of this device with a new session: flat JSON, at most 1 kB. @default nothing */
  client?: ClientDescription;
}

/** A socket of socket.io-client 4, by the members that are used. */
export interface ClientSocket {
  connected: boolean;
  // As in socket.io-client: an object, or a function that is called for each connection.
  auth: Record<string, unknown> | ((callback: (data: object) => void) => void);
  // biome-ignore lint/suspicious/noExplicitAny: sockets with typed events differ in each parameter.
  on(event: string, listener: (...args: any[]) => void): unknown;
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  emit(event: string, ...args: any[]): unknown;
}

/** The client's side of its session. */
export interface ClientSession {
  /** The token held, `""` before the first. A credential: show it to nobody. */
  readonly token: string;
  /** Public id of the session, `""` before the first token and with a token of the old package. */
  readonly id: string;
  /** Resolves when a token from the server is held. */
  readonly ready: Promise<void>;
}

/**
 * Gives a socket its session: presents the stored token with every handshake, keeps what `gotToken` brings, and confirms it.
 * When the session is over it drops the token; the server then disconnects the socket, and `socket.connect()` begins anew.
 * Best called right after `io(url)`; on a socket that is connected already it asks with `getToken`. An `auth` of your own,
 * object or function, stays in force beside it.
 *
 * @example
 * const socket = io("https://your.server");
 * const session = tokenSession(socket, { client: { device: "Pixel 9" } });
 * await session.ready;
 */
export function tokenSession(socket: ClientSocket, options: ClientOptions = {}): ClientSession {
  const { storage = localStorage, key = "socket.io-token-session", client } = options;
  const { auth } = socket;
  let resolveReady = () => {};
  const ready = new Promise<void>((resolve) => {
    resolveReady = resolve;
  });
  const stored = () => storage.getItem(key) ?? "";
  /** The token that this socket has its session by. */
  let held = "";
  /** The one before. */
  let replaced = "";

  socket.auth = (callback) => {
    // Read anew for each connection: the token may have changed since.
    const add = (data: object = {}) => {
      held = stored();
      const own: HandshakeAuth = { token: held, confirm: true, ...(client && { client }) };
      callback({ ...data, ...own });
    };
    if (typeof auth === "function") auth.call(socket, add);
    else add(auth);
  };

  socket.on(GOT_TOKEN, (message: GotToken, confirm?: () => void) => {
    // No token: the store is away or refuses; the one held stays good.
    // One that has been replaced: an answer that was on its way when the new one came.
    if (!message.token || message.token === replaced) return;
    // A newer one takes the place of the one that it replaces, and of no other that was stored meanwhile.
    if (stored() !== held && stored() !== message.token) {
      if (!message.created) return;
      // A new session, because what was presented opens nothing any more: what took its place meanwhile may.
      if (stored()) return present();
    }
    if (held !== message.token) replaced = held;
    held = message.token;
    storage.setItem(key, held);
    confirm?.();
    resolveReady();
  });

  socket.on(SESSION_END, () => {
    // Another tab may have a new one already.
    if (stored() === held) storage.setItem(key, "");
  });

  const present = () => {
    held = stored();
    socket.emit(GET_TOKEN, { token: held, confirm: true } satisfies GetToken);
  };
  socket.on(TOKEN_CHANGED, present);
  if (socket.connected) present();

  return {
    ready,
    get token() {
      return stored();
    },
    get id() {
      const [id = "", secret] = stored().split(".");
      // A token of the old package is one piece, all of it secret.
      return secret === undefined ? "" : id;
    },
  };
}
