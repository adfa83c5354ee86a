import {
  GET_TOKEN,
  GOT_TOKEN,
  type GotToken,
  type HandshakeAuth,
  SESSION_END,
  type SessionEnd,
  TOKEN_CHANGED,
  TOKEN_HEADER,
} from "../src/wire.js";
import { mintLock, nothing, type Unlock } from "./mint-lock.js";
import { originOf } from "./origin.js";
import { listening, type PageEvent, tell } from "./page.js";
import { defaultStorage, inTurn } from "./storage.js";
import type {
  ClientEndReason,
  ClientEvents,
  ClientOptions,
  ClientSession,
  ClientSocket,
  SessionState,
} from "./types.js";

/** What is used of a socket's manager besides its type in socket.io-client. */
interface Manager {
  readonly uri: string;
  readonly engine: object;
}

/** How long a connection may take to show that it is alive: longer than a server takes to say that its database is away. */
const ALIVE_WITHIN_MS = 12_000;
const RESTART_WITHIN_MS = 1_000;
/** After a refusal. A connection may create a session in six seconds when it has created too many. */
const AGAIN_AFTER_MS = 6_000;
/** How long a token that another tab has stored may take to be seen in this one, or one of a response to arrive. */
const SEEN_AFTER_MS = 200;

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
  if (socket.tokenSession) return socket.tokenSession;
  const auth = socket.auth;
  const origin = originOf((socket.io as Manager).uri);
  const {
    storage = defaultStorage(),
    key: base = `socket.io-token-session.${origin.replace(/[^\w.-]/g, "_")}`,
    identity: first = "",
    client,
    restart = true,
    origins = [origin],
  } = options;
  const listeners = new Set<[event: string, listener: (content: never) => void]>();
  const keyOf = (name: string) => base + (name && `__${name}`);

  let key = keyOf(first);
  let state: SessionState = "waiting";
  /** The token that this socket has, or asks for, its session by; the one of a response until it has presented that. */
  let held = "";
  /** A token that opens nothing any more, and counts for none where it can neither be replaced nor removed. */
  let dead: string | undefined;
  /** Takes the token away from where it was before, once it is stored. */
  let clearOld: () => Promise<unknown> = nothing;
  /** The session of the last `start`. */
  let started: string | undefined;
  /** The session has ended, and none has begun since. */
  let isOver = false;
  /** The server waits for the token. */
  let asked = false;
  /** Each connection has its number: what belongs to an earlier one is neither answered nor believed. */
  let connection = 0;
  let unlock: Unlock | undefined;

  function emit<Name extends keyof ClientEvents>(name: Name, content: ClientEvents[Name]) {
    // In a turn of its own, so that a listener that throws stops nothing here.
    for (const [event, listener] of listeners)
      if (event === name) Promise.resolve(content as never).then(listener);
  }

  const fail = (cause: unknown) => emit("error", { code: "storage", cause });

  function hold(token: string) {
    if (held === token) return;
    held = token;
    emit("token", token);
  }

  /** Whether the connection is still the one of now. */
  function sameConnection(): () => boolean {
    const mine = connection;
    const engine = (socket.io as Manager).engine;
    return () => mine === connection && socket.active && engine === (socket.io as Manager).engine;
  }

  function later(step: () => unknown, ms?: number) {
    const isCurrent = sameConnection();
    setTimeout(() => isCurrent() && step(), ms);
  }

  async function get(): Promise<string | null | undefined> {
    const raw = await storage.getItem(key);
    return raw && raw === dead ? null : raw;
  }

  /**
   * The token that is stored, from where it was before if need be: `""` is left by `forget()`, but a value that is missing was
   * dropped by nobody, and what is held still counts.
   */
  async function read(): Promise<string> {
    let raw = await get();
    clearOld = nothing;
    if (raw == null && options.migrateFrom && key === keyOf(first)) {
      const { storage: from = storage, key: old = base } = options.migrateFrom;
      raw = await from.getItem(old);
      if (!raw) return held;
      clearOld = async () => from.removeItem(old);
    }
    return raw ?? held;
  }

  /**
   * Reads the token to present, however long it takes: nobody must get a new one while theirs may be there. Not passed on if
   * the connection has become another by then.
   */
  async function take(use: (content: HandshakeAuth) => unknown) {
    const isCurrent = sameConnection();
    let hasLock = false;
    unlock?.();
    for (let count = 0; ; count++) {
      try {
        const token = await inTurn(read);
        const shown = await (storage.present?.(token) ?? token);
        if (!isCurrent()) return unlock?.();
        if (token || hasLock) {
          if (token) unlock?.();
          else if (held) over("forgotten");
          hold(token);
          state = "opening";
          return use({ token: shown, confirm: true, ...(client && { client }) });
        }
        unlock = await mintLock(key);
        hasLock = true;
      } catch (cause) {
        state = "waiting";
        fail(cause);
        // Longer and longer, and never the same for all. An app that comes to the front begins anew.
        await new Promise<void>((resolve) => later(resolve, count * 1_000 * Math.random()));
      }
    }
  }

  /** Presents the token on a connected socket. */
  const send = () => take((content) => socket.emit(GET_TOKEN, content));
  const present = (ms?: number) => later(send, ms);

  const connect = () => socket.active || socket.connect();

  function onGotToken(message: GotToken | undefined, confirm?: () => void) {
    const isCurrent = sameConnection();
    inTurn(async () => {
      let { token, errors, created }: Partial<GotToken> = message ?? {};
      // An answer to what was presented before the token held now.
      if (!isCurrent() || (token !== held && created === false)) return;
      // Text, or what only a broken server sends.
      if (!token?.length) {
        // The token held stays good.
        state = "waiting";
        emit("error", { code: "server", cause: errors });
        return present(AGAIN_AFTER_MS);
      }
      let raw: string | null | undefined;
      try {
        raw = await get();
      } catch {
        // Kept, unless there turns out to be another.
        if (created) hold(token);
        return present();
      }
      if (!isCurrent()) return;
      if (raw !== token) {
        // Another tab's: a token is stored over the one that was presented, and over no other.
        if ((raw ?? held) !== held) return present();
        try {
          raw = (await storage.setItem(key, token)) as string;
          // Where something else is presented than what is stored, something else may be stored than was given.
          if (storage.present) token = raw;
          await clearOld().catch(fail);
        } catch (cause) {
          fail(cause);
          // What is stored is still good, and this one not without being confirmed.
          if (!created && raw) return;
        }
        if (!isCurrent()) return;
      }
      if (errors) over(errors as ClientEndReason);
      hold(token);
      confirm?.();
      state = "open";
      // Also where the one before was over only by this answer.
      isOver = false;
      const { id } = session;
      // Not by the token of another session: the server goes on waiting for that of the one before.
      if (started === id) asked = false;
      else {
        started = id;
        emit("start", { id, created });
      }
    }).then(unlock);
  }

  /** What follows has nothing to do with what was. */
  function drop() {
    held = "";
    // The second, or connection state recovery would hand rooms and missed messages on.
    started = (socket as { _pid?: unknown })._pid = undefined;
  }

  /** The session is over here. */
  const over = (reason: ClientEndReason) => {
    dead = held;
    drop();
    isOver = true;
    emit("end", { reason });
  };

  const leave = () => {
    over("forgotten");
    if (socket.active) {
      socket.disconnect();
      if (restart) connect();
    }
  };

  /** In two steps, so that all sockets of a connection have taken the first: only then is a new one made, and at once. */
  const reconnect = () => {
    socket.disconnect();
    setTimeout(connect);
  };

  function resume() {
    if (!socket.active || globalThis.document?.hidden) return;
    // Two CONNECTs on one connection would be two sockets on the server.
    if (!socket.connected) {
      if (state !== "opening") reconnect();
    } else if (state === "open") {
      state = "opening";
      present();
      later(() => state === "opening" && reconnect(), ALIVE_WITHIN_MS);
    }
  }

  async function onEvent({ storageArea, key: changed, newValue }: PageEvent) {
    if (!storageArea) resume();
    else if (storageArea === storage && changed === key) {
      if (newValue === "") held && leave();
      // By what is stored now: tabs that stored at the same time would follow each other in circles otherwise.
      else if (((await get()) || held) !== held) {
        // Where an answer is awaited, it will be seen then: a second question would let the answers change places.
        if (socket.connected) state !== "opening" && present();
        else if (isOver && !restart) connect();
      }
    }
  }

  socket.auth = (callback) => {
    asked = false;
    connection++;
    listening.add(onEvent);
    // Not all at the same time, and not in a tight loop where sessions end as soon as they begin.
    const ms = +isOver * RESTART_WITHIN_MS * Math.random();
    isOver = false;
    // What comes too late must not be sent on a connection that has presented a token itself.
    const isCurrent = sameConnection();
    const add = (data?: object) =>
      isCurrent() &&
      // Besides what was given at the start, what the application has set on `socket.auth` since.
      later(() => take((content) => callback({ ...data, ...socket.auth, ...content })), ms);
    if (typeof auth === "function") auth.call(socket, add);
    else add(auth);
  };
  // Of a connection that was there before, the handshake was without a token.
  socket.on("connect", () => state === "waiting" && present());
  const gone = (reason: string) => {
    connection++;
    unlock?.();
    state = "waiting";
    if (isOver && !restart) {
      // A connection that goes before the server disconnects it ("transport close", "ping timeout") would otherwise come back.
      // Not for "forced close": one that socket.io-client 4.0 was still closing goes when the application has connected again.
      if (/^[pt]/.test(reason)) socket.disconnect();
    }
    // Disconnected for its old token, or after the end: otherwise by the application, and then it is to stay out.
    else if (reason === "io server disconnect" && (isOver || asked)) connect();
    else if (!isOver && !socket.active) listening.delete(onEvent);
  };
  socket.on("connect_error", gone);
  socket.on("disconnect", gone);
  socket.on(GOT_TOKEN, onGotToken);
  socket.on(SESSION_END, ({ reason }: SessionEnd) => {
    over(reason);
    // Another tab may have a new one already.
    inTurn(async () => (await get()) == null && storage.removeItem(key)).catch(fail);
  });
  socket.on(TOKEN_CHANGED, () => {
    asked = true;
    // What has been stored elsewhere may be a moment on its way. If it takes longer, the server asks again.
    present(SEEN_AFTER_MS);
  });
  if (socket.connected) present();
  listening.add(onEvent);

  const session: ClientSession = {
    get token() {
      return held;
    },
    get id() {
      // A token of the old package is one piece, all of it secret.
      return held.replace(/\.?[^.]*$/, "");
    },
    get state() {
      return socket.active ? state : "ended";
    },
    get ready() {
      return new Promise<void>((resolve) =>
        started == null ? session.on("start", resolve as () => void) : resolve(),
      );
    },
    on(event, listener) {
      const entry: [string, typeof listener] = [event, listener];
      listeners.add(entry);
      return () => listeners.delete(entry);
    },
    async fetch(input, init) {
      const request = new Request(input, init);
      const to = originOf(request.url);
      let sent: string | undefined;
      if (origins.includes(to)) {
        if (!held && socket.active) await session.ready;
        sent = held;
        if (sent) request.headers.set("authorization", `Bearer ${sent}`);
      }
      const response = await fetch(request);
      const token = response.headers.get(TOKEN_HEADER);
      // Not after a redirect to another server, that has not been shown the one before.
      if (token && sent && originOf(response.url) === to)
        await inTurn(async () => {
          // What has come in its place meanwhile stays.
          if (sent !== held) return;
          dead = held;
          hold(token);
          await storage.setItem(key, token);
        })
          .catch(fail)
          // Before the application's next event, which finds the session then. Only for a token that was taken: while a session is
          // being created nothing is held, and asking again would create a second one.
          .then(() => held === token && send());
      return response;
    },
    async use(name) {
      key = keyOf(name);
      drop();
      reconnect();
      return session.ready;
    },
    async identities() {
      const found: string[] = [];
      for (const key of await (storage.getKeys?.() ?? Object.keys(storage))) {
        const name = key.slice(base.length + 2);
        if (key === keyOf(name) && (await storage.getItem(key))) found.push(name);
      }
      return found;
    },
    async forget() {
      // Not removed: a tab that is asleep would take it for lost, and put it back.
      await inTurn(() => storage.setItem(key, ""));
      leave();
      // Other tabs hear of it from the browser, other sockets of this page from here.
      tell({ storageArea: storage as Storage, key, newValue: "" });
    },
    resume,
  };
  socket.tokenSession = session;
  return session;
}
