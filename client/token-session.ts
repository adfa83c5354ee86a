import {
  GET_TOKEN,
  GOT_TOKEN,
  type GotToken,
  type HandshakeAuth,
  SESSION_END,
  type SessionEnd,
  TOKEN_CHANGED,
} from "../src/wire.js";
import { connectionsOf, type Manager } from "./connection.js";
import { eventsOfSession } from "./events.js";
import { mintLock, nothing, type Unlock } from "./mint-lock.js";
import { originOf } from "./origin.js";
import { listening, type PageEvent, tell } from "./page.js";
import { fetchWithToken } from "./session-fetch.js";
import { checkStorage, defaultStorage, inTurn } from "./storage.js";
import { idOf, storedToken } from "./stored-token.js";
import type { ClientEndReason, ClientOptions, ClientSession, ClientSocket } from "./types.js";

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
 * of your own, object or function, stays in force beside it, but for its `token`. Throws a `TypeError` where the option `storage`,
 * or the one of `migrateFrom`, has not the three methods of a storage.
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
    client,
    restart = true,
    origins = [origin],
  } = options;
  checkStorage(storage);
  checkStorage(options.migrateFrom?.storage ?? storage);
  const { listen, emit } = eventsOfSession();
  const stored = storedToken(storage, base, options);
  const connections = connectionsOf(socket, (content) => emit("state", content));

  /** The token that this socket has, or asks for, its session by; the one of a response until it has presented that. */
  let held = "";
  /** The session of the last `start`. */
  let started: string | undefined;
  /** The session has ended, and none has begun since. */
  let isOver = false;
  /** The server waits for the token. */
  let asked = false;
  /** The server may still have the session before the one that is presented. */
  let isBehind = false;
  let unlock: Unlock = nothing;

  const fail = (cause: unknown) => emit("error", { code: "storage", cause });

  /** Goes on by this token. Where it is not of the session that the page had, that one is over here, whoever has ended it. */
  function hold(token: string) {
    if (token ? started && started !== idOf(token) : held) {
      over(idOf(token) ? "replaced" : "forgotten");
      // It is followed already.
      isOver = !token;
      isBehind = socket.connected;
    }
    if (held === token) return;
    held = token;
    emit("token", token);
  }

  /** Resolves when there is a session, or this state. */
  async function begun(state?: "ended") {
    while (started == null && connections.stateNow() !== state)
      await new Promise((resolve) => {
        const stop = listen("state", () => resolve(stop()));
      });
  }

  /** Reads the token to present, however long it takes: nobody must get a new one while theirs may be there. For this connection only. */
  async function take(use: (content: HandshakeAuth) => unknown) {
    const isCurrent = connections.same();
    let hasLock = false;
    unlock();
    for (let count = 0; ; count++) {
      try {
        const token = await inTurn(() => stored.orHeld(held));
        const shown = await (storage.present?.(token) ?? token);
        if (!isCurrent()) return unlock();
        if (token || hasLock) {
          if (token) unlock();
          hold(token);
          connections.become("opening");
          return use({ token: shown, confirm: true, ...(client && { client }) });
        }
        unlock = await mintLock(stored.itemKey);
        hasLock = true;
      } catch (cause) {
        if (!isCurrent()) return unlock();
        connections.become("waiting");
        fail(cause);
        // Longer and longer, and never the same for all. An app that comes to the front begins anew.
        await new Promise((resolve) => setTimeout(resolve, count * 1_000 * Math.random()));
      }
    }
  }

  /** Presents the token on a connected socket. */
  const send = () => take((content) => socket.emit(GET_TOKEN, content));
  const present = (ms?: number) => connections.later(send, ms);

  function onGotToken(message: GotToken | undefined, confirm?: () => void) {
    const isCurrent = connections.same();
    inTurn(async () => {
      let { token, errors, created }: Partial<GotToken> = message ?? {};
      // An answer to what was presented before the token held now.
      if (!isCurrent() || (token !== held && created === false)) return;
      // Text, or what only a broken server sends.
      if (!token?.length) {
        // The token held stays good.
        connections.become("waiting");
        emit("error", { code: "server", cause: errors });
        return present(AGAIN_AFTER_MS);
      }
      let raw: string | null | undefined;
      try {
        raw = await stored.current();
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
          raw = (await storage.setItem(stored.itemKey, token)) as string;
          // Where something else is presented than what is stored, something else may be stored than was given.
          if (storage.present) token = raw;
          await stored.clearOld().catch(fail);
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
      connections.become("open");
      // Also where the one before was over only by this answer.
      isOver = isBehind = false;
      const id = idOf(held);
      // What starts has been over before (`hold`). Of an old token the id is known from a login on: no other session, so no start.
      if (started == null) emit("start", { id, created });
      else asked = false;
      started = id;
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
    stored.dead = held;
    drop();
    isOver = true;
    emit("end", { reason });
  };

  const leave = () => {
    over("forgotten");
    if (!socket.active) return;
    if (restart) connections.renew();
    else socket.disconnect();
  };

  function resume() {
    if (!socket.active || globalThis.document?.hidden) return;
    // Two CONNECTs on one connection would be two sockets on the server.
    if (!socket.connected) {
      if (connections.stateNow() !== "opening") connections.renew();
    } else if (connections.stateNow() === "open") {
      connections.become("opening");
      present();
      connections.later(() => connections.stateNow() === "opening" && connections.renew(), ALIVE_WITHIN_MS);
    }
  }

  async function onEvent({ storageArea, key: changed, newValue }: PageEvent) {
    if (!storageArea) resume();
    else if (storageArea === storage && changed === stored.itemKey) {
      if (newValue === "") held && leave();
      // By what is stored now: tabs that stored at the same time would follow each other in circles otherwise.
      else if (((await stored.current()) || held) !== held) {
        // Where an answer is awaited, it will be seen then: a second question would let the answers change places.
        if (socket.connected) connections.stateNow() !== "opening" && present();
        else if (isOver && !restart) connections.begin();
      }
    }
  }

  socket.auth = (callback) => {
    asked = isBehind = false;
    connections.another();
    listening.add(onEvent);
    // Not all at the same time, and not in a tight loop where sessions end as soon as they begin.
    const ms = +isOver * RESTART_WITHIN_MS * Math.random();
    isOver = false;
    // What comes too late must not be sent on a connection that has presented a token itself.
    const isCurrent = connections.same();
    const add = (data?: object) =>
      isCurrent() &&
      // Besides what was given at the start, what the application has set on `socket.auth` since.
      connections.later(() => take((content) => callback({ ...data, ...socket.auth, ...content })), ms);
    if (typeof auth === "function") auth.call(socket, add);
    else add(auth);
  };
  // Of a connection that was there before, the handshake was without a token.
  socket.on("connect", () => connections.stateNow() === "waiting" && present());
  const gone = (reason: string) => {
    connections.another();
    unlock();
    if (isOver && !restart) {
      // A connection that goes before the server disconnects it ("transport close", "ping timeout") would otherwise come back.
      // Not for "forced close": one that socket.io-client 4.0 was still closing goes when the application has connected again.
      if (/^[pt]/.test(reason)) socket.disconnect();
    }
    // Disconnected for its old token, or after the end: otherwise by the application, and then it is to stay out.
    else if (reason === "io server disconnect" && (isOver || asked)) connections.begin();
    else if (!isOver && !socket.active) listening.delete(onEvent);
    // Not before: where it has begun to connect again, it has not been out.
    connections.tellState();
  };
  socket.on("connect_error", gone);
  socket.on("disconnect", gone);
  socket.on(GOT_TOKEN, onGotToken);
  socket.on(SESSION_END, ({ reason }: SessionEnd) => {
    // It disconnects now, and is to be shown the token of the session that follows.
    if (isBehind) asked = true;
    else {
      const key = stored.itemKey;
      over(reason);
      // Another tab may have a new one already, and this page another identity.
      inTurn(async () => (await stored.current(key)) == null && storage.removeItem(key)).catch(fail);
    }
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
      return idOf(held);
    },
    get state() {
      return connections.stateNow();
    },
    get ready() {
      return begun();
    },
    on: listen,
    fetch: (input, init) =>
      fetchWithToken(
        input,
        init,
        origins,
        async () => {
          if (!held) await begun("ended");
          return held;
        },
        (given, sent) =>
          inTurn(async () => {
            // What has come in its place meanwhile stays.
            if (sent !== held) return;
            stored.dead = held;
            hold(given);
            await storage.setItem(stored.itemKey, given);
          })
            .catch(fail)
            // Before the application's next event, which finds the session then. Only for a token that was taken: while a session is
            // being created nothing is held, and asking again would create a second one.
            .then(() => held === given && send()),
      ),
    use(name) {
      stored.choose(name);
      drop();
      connections.renew();
      return begun();
    },
    identities: stored.identities,
    async forget() {
      const key = stored.itemKey;
      // Not removed: a tab that is asleep would take it for lost, and put it back.
      await inTurn(() => storage.setItem(key, ""));
      if (key === stored.itemKey) leave();
      // Other tabs hear of it from the browser, other sockets of this page from here.
      tell({ storageArea: storage as Storage, key, newValue: "" });
    },
    resume,
  };
  socket.tokenSession = session;
  return session;
}
