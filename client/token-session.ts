import {
  GET_TOKEN,
  GOT_TOKEN,
  type GotToken,
  type HandshakeAuth,
  SESSION_END,
  type SessionEnd,
  TOKEN_CHANGED,
} from "../src/wire.js";
import { mintLock, nothing } from "./mint-lock.js";
import { originOf } from "./origin.js";
import { defaultStorage, inTurn } from "./storage.js";
import type {
  ClientEndReason,
  ClientErrorCode,
  ClientEvents,
  ClientOptions,
  ClientSession,
  ClientSocket,
  SessionState,
} from "./types.js";

/** What is used of a socket's manager besides its type in socket.io-client. */
interface Manager {
  readonly uri: string;
  readonly engine: { close(): void };
}

const WRITE = "STORAGE_WRITE";
/** How long a connection may take to show that it is alive: longer than a server takes to say that its database is away. */
const ALIVE_WITHIN_MS = 12_000;
const LONGEST_PAUSE_MS = 10_000;
const RESTART_WITHIN_MS = 1_000;
/** After a refusal. A connection may create a session in six seconds when it has created too many. */
const AGAIN_AFTER_MS = 6_000;
/** How long a token that another tab has stored may take to be seen in this one. */
const SEEN_AFTER_MS = 200;

const sessions = new WeakMap<ClientSocket, ClientSession>();

/**
 * Gives a socket its session: presents the stored token with every handshake, keeps what `gotToken` brings, and confirms it.
 * To be called once for each socket, at any time (best right after `io(url)`); a second call gives the same session. An `auth`
 * of your own, object or function, stays in force beside it, but for its `token`.
 *
 * @example
 * const socket = io("https://your.server");
 * const session = tokenSession(socket, { client: { device: "Pixel 9" } });
 * await session.ready;
 */
export function tokenSession(socket: ClientSocket, options: ClientOptions = {}): ClientSession {
  const known = sessions.get(socket);
  if (known) return known;
  const { auth } = socket;
  const manager = socket.io as Manager;
  const origin = originOf(manager.uri);
  const {
    storage = defaultStorage(),
    key: base = `socket.io-token-session.${origin.replace(/[^\w.-]/g, "_")}`,
    identity: first = "",
    migrateFrom,
    client,
    restart = true,
    origins = [],
    app,
  } = options;
  const listeners = new Set<[event: string, listener: (content: never) => void]>();
  /** How the keys of identities with a name begin. */
  const prefix = `${base}__`;
  const keyOf = (name: string) => (name ? prefix + name : base);

  let identity = first;
  let key = keyOf(first);
  let state: SessionState = "opening";
  /** The token that this socket has, or asks for, its session by. */
  let held = "";
  /** The one before, whose answer may still be on its way. */
  let replaced = "";
  /** The token held could not be stored, and is meant whatever is. */
  let isUnsaved = false;
  /** Takes the token away from where it was before, once it is stored. */
  let clearOld: () => unknown = nothing;
  /** The session of the last `start`. */
  let started = "";
  /** The session has ended, and none has begun since. */
  let isOver = false;
  /** The server waits for the token. */
  let asked = false;
  /** Each connection has its number: what belongs to an earlier one is neither answered nor believed. */
  let connection = 0;
  /** The handshake of this connection has presented the token. */
  let introduced = false;
  let unlock = nothing;

  function emit<Name extends keyof ClientEvents>(name: Name, content: ClientEvents[Name]) {
    // In a turn of its own, so that a listener that throws stops nothing here.
    for (const [event, listener] of listeners)
      if (event === name) Promise.resolve(content as never).then(listener);
  }

  function fail(code: ClientErrorCode, cause: unknown) {
    emit("error", Object.assign(Error(cause as string), { code, cause }));
  }

  function hold(token: string) {
    if (held === token) return;
    replaced = held;
    held = token;
    emit("token", token);
  }

  /** Whether the connection is still the one of now. */
  function sameConnection(): () => boolean {
    const mine = connection;
    const { engine } = manager;
    return () => mine === connection && socket.active && engine === manager.engine;
  }

  /**
   * The token that a stored value stands for: `""` is left by `forget()`, but a value that is missing was dropped by nobody, and
   * what is held still counts.
   */
  const meaning = (raw: string | null | undefined) => (raw == null || isUnsaved ? held : raw);

  const read = async () => {
    const raw = await storage.getItem(key);
    if (raw != null || !migrateFrom || identity !== first) return meaning(raw);
    const { storage: from = storage, key: old = base } = migrateFrom;
    clearOld = () => from.removeItem(old);
    return (await from.getItem(old)) || held;
  };

  /**
   * Reads the token to present, however long it takes: nobody must get a new one while theirs may be there. Not passed on if
   * the connection has become another by then.
   */
  async function take(use: (token: string) => void, isCurrent = sameConnection()) {
    let release: typeof nothing | undefined;
    for (let count = 0; isCurrent(); count++) {
      try {
        const token = await inTurn(read);
        if (!isCurrent()) break;
        if (token || release) {
          if (token) unlock();
          hold(token);
          return use(token);
        }
        unlock = release = await mintLock(key);
      } catch (cause) {
        state = "waiting";
        fail("STORAGE_READ", cause);
        // Longer and longer, and never the same for all.
        const ms = Math.random() * Math.min(250 * 2 ** count, LONGEST_PAUSE_MS);
        await new Promise((resolve) => setTimeout(resolve, ms));
      }
    }
    release?.();
  }

  const presented = (token: string) => ({ token, confirm: true, client }) as HandshakeAuth;

  /** Presents the token on a connected socket. */
  const present = () => take((token) => socket.emit(GET_TOKEN, presented(token)));

  function presentLater(ms: number) {
    const isCurrent = sameConnection();
    setTimeout(() => isCurrent() && present(), ms);
  }

  const connect = () => socket.active || socket.connect();

  async function onGotToken(
    isCurrent: () => boolean,
    { token, errors, created = false }: Partial<GotToken>,
    confirm?: () => void,
  ) {
    if (!isCurrent() || (token && token === replaced)) return;
    unlock();
    if (!token) {
      // The token held stays good.
      state = "waiting";
      fail("NO_SESSION", errors);
      return presentLater(AGAIN_AFTER_MS);
    }
    let raw: string | null | undefined;
    try {
      raw = await storage.getItem(key);
    } catch {
      // Kept, unless there turns out to be another.
      if (created) hold(token);
      return void present();
    }
    if (!isCurrent()) return;
    if (raw !== token) {
      const current = meaning(raw);
      // Another tab's: a token is stored over the one that was presented, and over no other.
      if (current && current !== token && current !== held) return void present();
      try {
        await storage.setItem(key, token);
        isUnsaved = false;
        await clearOld();
        clearOld = nothing;
      } catch (cause) {
        fail(WRITE, cause);
        // What is stored is still good, and this one not without being confirmed.
        if (!created && raw && !isUnsaved) return;
        isUnsaved = true;
      }
      if (!isCurrent()) return;
    }
    if (errors && !isOver) emit("end", { reason: errors === "Session Expired" ? "expired" : "missing" });
    hold(token);
    confirm?.();
    state = "open";
    isOver = asked = false;
    const { id } = session;
    if (started !== (id || token)) {
      started = id || token;
      emit("start", { id, created });
    }
  }

  /** The session is over here. */
  function over(reason: ClientEndReason) {
    isOver = true;
    state = "ended";
    held = started = "";
    emit("end", { reason });
  }

  function leave() {
    over("forgotten");
    socket.disconnect();
    if (restart) connect();
  }

  function resume() {
    if (!socket.active || globalThis.document?.hidden) return;
    if (!socket.connected) {
      // In two steps, so that all sockets of a connection have taken the first: only then it does not wait any longer.
      socket.disconnect();
      setTimeout(connect);
    } else if (state === "open") {
      state = "opening";
      present();
      const isCurrent = sameConnection();
      setTimeout(() => isCurrent() && state === "opening" && manager.engine.close(), ALIVE_WITHIN_MS);
    }
  }

  async function onEvent(event: StorageEvent) {
    if (!event.storageArea) return resume();
    if (event.storageArea !== storage || event.key !== key || event.newValue == null) return;
    // By what is stored now: tabs that stored at the same time would follow each other in circles otherwise.
    const raw = await storage.getItem(key);
    if (raw === "") held && leave();
    else if (raw && raw !== held) {
      if (socket.connected) present();
      else if (isOver) connect();
    }
  }

  function watch(how: "add" | "remove") {
    for (const target of [globalThis, globalThis.document])
      for (const type of ["visibilitychange", "resume", "online", "storage"])
        target?.[`${how}EventListener`]?.(type, onEvent as never);
  }

  socket.auth = (callback) => {
    connection++;
    unlock();
    watch("add");
    state = "opening";
    asked = false;
    // What comes too late must not be sent on a connection that has presented a token itself.
    const isCurrent = sameConnection();
    const add = (data?: object) => {
      const go = () =>
        take((token) => {
          introduced = true;
          callback({ ...data, ...presented(token) });
        }, isCurrent);
      // Not all at the same time, and not in a tight loop where sessions end as soon as they begin.
      if (isOver) setTimeout(go, Math.random() * RESTART_WITHIN_MS);
      else go();
    };
    if (typeof auth === "function") auth.call(socket, add);
    else add(auth);
  };
  socket.on("connect", () => introduced || present());
  socket.on("disconnect", (reason: string) => {
    connection++;
    introduced = false;
    unlock();
    // Found dead.
    if (state === "opening") resume();
    state = socket.active ? "waiting" : "ended";
    // Disconnected for its old token, or after the end: otherwise by the application, and then it is to stay out.
    if (reason === "io server disconnect" && (isOver ? restart : asked)) connect();
    else if (!socket.active && !isOver) watch("remove");
  });
  socket.on(GOT_TOKEN, (message: GotToken | undefined, confirm?: () => void) => {
    const isCurrent = sameConnection();
    inTurn(() => onGotToken(isCurrent, message ?? {}, confirm));
  });
  socket.on(SESSION_END, ({ reason }: SessionEnd) => {
    const gone = held;
    over(reason);
    // Another tab may have a new one already.
    inTurn(async () => (await storage.getItem(key)) === gone && storage.removeItem(key)).catch((cause) =>
      fail(WRITE, cause),
    );
  });
  socket.on(TOKEN_CHANGED, () => {
    asked = true;
    // What another tab has stored may be a moment on its way to this one.
    const go = (token?: string | undefined) => (token === held ? presentLater(SEEN_AFTER_MS) : present());
    inTurn(read).then(go, () => go());
  });
  app?.addListener("resume", resume);
  if (socket.connected) {
    watch("add");
    present();
  }

  const session: ClientSession = {
    get token() {
      return held;
    },
    get id() {
      // A token of the old package is one piece, all of it secret.
      return held.slice(0, Math.max(held.indexOf("."), 0));
    },
    get state() {
      return state;
    },
    get identity() {
      return identity;
    },
    get ready() {
      return new Promise<void>((resolve) => {
        if (started) resolve();
        else session.on("start", resolve as () => void);
      });
    },
    on(event, listener) {
      const entry: [string, typeof listener] = [event, listener];
      listeners.add(entry);
      return () => listeners.delete(entry);
    },
    async fetch(input, init) {
      const request = new Request(input, init);
      if ([origin, ...origins].includes(originOf(request.url))) {
        if (!held && state !== "ended") await session.ready;
        request.headers.set("Authorization", `Bearer ${held}`);
      }
      return fetch(request);
    },
    async use(name) {
      if (name !== identity) {
        identity = name;
        key = keyOf(name);
        held = replaced = started = "";
        isUnsaved = isOver = false;
        socket.disconnect();
        socket.connect();
      }
      return session.ready;
    },
    async identities() {
      const found: string[] = [];
      for (const key of await (storage.getKeys?.() ?? Object.keys(storage))) {
        const name = key.slice(prefix.length);
        if (key === keyOf(name) && (await storage.getItem(key))) found.push(name);
      }
      return found;
    },
    async forget() {
      // Not removed: a tab that is asleep would take it for lost, and put it back.
      await inTurn(() => storage.setItem(key, ""));
      leave();
    },
    resume,
  };
  sessions.set(socket, session);
  return session;
}
