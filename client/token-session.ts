import {
  GET_TOKEN,
  GOT_TOKEN,
  type GotToken,
  type HandshakeAuth,
  SESSION_END,
  type SessionEnd,
  TOKEN_CHANGED,
} from "../src/wire.js";
import { createConnections, type Manager } from "./connection.js";
import { createEvents } from "./events.js";
import { doNothing, mintLock, type Unlock } from "./mint-lock.js";
import { originOf } from "./origin.js";
import { notifyListeners, type PageEvent, pageListeners } from "./page.js";
import { fetchWithToken } from "./session-fetch.js";
import { defaultStorage, runInTurn } from "./storage.js";
import { createStoredToken, idOf } from "./stored-token.js";
import type { ClientEndReason, ClientOptions, ClientSession, ClientSocket } from "./types.js";

const RESTART_WITHIN_MS = 1_000;
/** After a refusal. A connection may create a session in six seconds when it has created too many. */
const AGAIN_AFTER_MS = 6_000;
/** How long a token may take to be seen that another tab has stored, or to arrive with a response. */
const SEEN_AFTER_MS = 200;

/**
 * Gives a socket its session: presents the stored token with every handshake, keeps what `gotToken` brings,
 * and confirms it. To be called once for each socket, at any time (best right after `io(url)`); a second call
 * gives the same session. An `auth` of your own, object or function, stays in force beside it, but for its
 * `token`. Throws a `TypeError` where the option `storage`, or the one of `migrateFrom`, has not the three
 * methods of a storage.
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
  const { storage = defaultStorage(), client, restart = true, origins = [origin] } = options;
  const { listen, emit } = createEvents();
  const stored = createStoredToken(storage, origin, options);
  const connections = createConnections(socket, (content) => emit("state", content));

  /** The token that this socket has, or asks for, its session by; of a response, until that is presented. */
  let held = "";
  /** What the server sends by an earlier presentation is for a token that was held before. */
  let since = 0;
  /** Of the last presentation. All are numbered, and the server says which one it means. */
  let number = 0;
  /** The session of the last `start`. */
  let started: string | undefined;
  /** The session has ended, and none has begun since. */
  let isOver: boolean | undefined;
  /** The server waits for the token, or has ended the session. */
  let isAwaited: boolean | undefined;
  let unlock: Unlock = doNothing;

  const emitStorageError = (cause: unknown) => emit("error", { code: "storage", cause });

  /**
   * Goes on by this token. Where it is not of the session that the page had, that one is over here, whoever
   * has ended it.
   */
  function setToken(token: string) {
    if (token ? started && started !== idOf(token) : held) {
      endSession(idOf(token) ? "replaced" : "forgotten");
      // It is followed already.
      isOver = !token;
    }
    if (held === token) return;
    held = token;
    since = number + 1;
    emit("token", token);
  }

  /** Resolves when there is a session, or this state. */
  async function untilStarted(state?: "ended") {
    while (started == null && connections.readState() !== state)
      await new Promise((resolve) => {
        const stop = listen("state", () => resolve(stop()));
      });
  }

  /**
   * Reads the token to present, however long it takes: nobody must get a new one while theirs may be there.
   * For this connection only.
   */
  async function prepareToken(use: (content: HandshakeAuth) => unknown) {
    const isCurrent = connections.guardConnection();
    let hasLock = false;
    unlock();
    for (let count = 0; ; count++) {
      try {
        const token = await runInTurn(() => stored.readOrHeld(held));
        const shown = await (storage.present?.(token) ?? token);
        if (!isCurrent()) return unlock();
        if (token || hasLock) {
          if (token) unlock();
          setToken(token);
          connections.setState("opening");
          return use({ token: shown, nth: ++number, confirm: true, ...(client && { client }) });
        }
        unlock = await mintLock(stored.itemKey);
        hasLock = true;
      } catch (cause) {
        if (!isCurrent()) return unlock();
        connections.setState("waiting");
        emitStorageError(cause);
        // Longer and longer, and never the same for all. An app that comes to the front begins anew.
        await new Promise((resolve) => setTimeout(resolve, count * 1_000 * Math.random()));
      }
    }
  }

  /** Presents the token on a connected socket. */
  const presentNow = () => prepareToken((content) => socket.emit(GET_TOKEN, content));
  const presentLater = (ms?: number) => connections.scheduleStep(presentNow, ms);

  function onGotToken(message: GotToken | undefined, confirm?: () => void) {
    const isCurrent = connections.guardConnection();
    runInTurn(async () => {
      let { token, errors, created, nth = number }: Partial<GotToken> = message ?? {};
      // In place of a token that has been presented once more: the answer to that counts.
      if (created && nth < number) since = number;
      // The last for older servers, which do not number, and where a new token has come before the answer.
      if (!isCurrent() || nth < since || (token !== held && created === false)) return;
      // Text, or what only a broken server sends.
      if (!token?.length) {
        // The token held stays good.
        connections.setState("waiting");
        emit("error", { code: "server", cause: errors });
        return presentLater(AGAIN_AFTER_MS);
      }
      let raw: string | null | undefined;
      try {
        raw = await stored.readToken();
      } catch {
        // Kept, unless there turns out to be another, or the application has gone on meanwhile (`use`).
        if (created && nth >= since) setToken(token);
        return isCurrent() && presentLater();
      }
      if (!isCurrent()) return;
      if (raw !== token) {
        // Another tab's: a token is stored over the one that was presented, and over no other.
        if ((raw ?? held) !== held) return presentLater();
        try {
          raw = (await storage.setItem(stored.itemKey, token)) as string;
          // Where something else is presented than what is stored, something else may be stored than was
          // given.
          if (storage.present) token = raw;
          await stored.removeMigrated().catch(emitStorageError);
        } catch (cause) {
          emitStorageError(cause);
          // What is stored is still good, and this one not without being confirmed.
          if (!created && raw) return;
        }
        if (!isCurrent()) return;
      }
      if (errors) endSession(errors as ClientEndReason);
      setToken(token);
      since = nth;
      confirm?.();
      connections.setState("open");
      // Also where the one before was over only by this answer.
      isOver = false;
      // What starts has been over before (`setToken`). Of an old token the id is known from a login on: no
      // other session, so no start.
      if (started == null) emit("start", { id: idOf(held), created });
      else isAwaited = false;
      started = idOf(held);
    }).then(unlock);
  }

  /** What follows has nothing to do with what was. */
  function drop() {
    held = "";
    since = number + 1;
    // The second, or connection state recovery would hand rooms and missed messages on.
    started = (socket as { _pid?: unknown })._pid = undefined;
  }

  /** The session is over here. */
  function endSession(reason: ClientEndReason) {
    stored.invalidToken = held;
    drop();
    isOver = true;
    emit("end", { reason });
  }

  const leaveSession = () => {
    endSession("forgotten");
    if (!socket.active) return;
    if (restart) connections.reopen();
    else socket.disconnect();
  };

  async function onEvent({ storageArea, key: changed, newValue }: PageEvent) {
    if (!storageArea) connections.checkAlive(presentNow);
    else if (storageArea === storage && changed === stored.itemKey) {
      if (newValue === "") held && leaveSession();
      // By what is stored now: tabs that stored at the same time would follow each other in circles
      // otherwise.
      else if (((await stored.readToken().catch(emitStorageError)) || held) !== held) {
        // Where an answer is awaited, it will be seen then: a second question would let the answers change
        // places.
        if (socket.connected) connections.readState() !== "opening" && presentLater();
        else if (isOver && !restart) connections.ensureConnecting();
      }
    }
  }

  socket.auth = (callback) => {
    connections.dropConnection();
    pageListeners.add(onEvent);
    // Not all at the same time, and not in a tight loop where sessions end as soon as they begin.
    const ms = isOver && RESTART_WITHIN_MS * Math.random();
    isAwaited = isOver = false;
    // What comes too late must not be sent on a connection that has presented a token itself.
    const isCurrent = connections.guardConnection();
    const add = (data?: object) =>
      isCurrent() &&
      // Besides what was given at the start, what the application has set on `socket.auth` since.
      connections.scheduleStep(
        () => prepareToken((content) => callback({ ...data, ...socket.auth, ...content })),
        ms,
      );
    if (typeof auth === "function") auth.call(socket, add);
    else add(auth);
  };
  // Of a connection that was there before, the handshake was without a token.
  socket.on("connect", () => connections.readState() === "waiting" && presentLater());
  const onDisconnect = (reason: string) => {
    connections.dropConnection();
    unlock();
    if (isOver && !restart) {
      // A connection that goes before the server disconnects it ("transport close", "ping timeout") would
      // otherwise come back. Not for "forced close": one that socket.io-client 4.0 was still closing goes
      // when the application has connected again.
      if (/^[pt]/.test(reason)) socket.disconnect();
    }
    // Disconnected for its old token, or after the end: otherwise by the application, and then it is to stay
    // out.
    else if (/^io s/.test(reason) && isAwaited) connections.ensureConnecting();
    else if (!isOver && !socket.active) pageListeners.delete(onEvent);
    // Not before: where it has begun to connect again, it has not been out.
    connections.emitState();
  };
  socket.on("connect_error", onDisconnect);
  socket.on("disconnect", onDisconnect);
  socket.on(GOT_TOKEN, onGotToken);
  socket.on(SESSION_END, ({ reason }: SessionEnd) => {
    isAwaited = true;
    // Of the session before, and the token of the next is on its way: shown again, as it disconnects now.
    if (started == null) return;
    const id = started;
    const key = stored.itemKey;
    // What is on its way on this connection is neither presented nor confirmed any more.
    connections.dropConnection();
    endSession(reason);
    // Another tab may have a new one already, and this page another identity.
    runInTurn(async () => idOf(String(await storage.getItem(key))) === id && storage.removeItem(key)).catch(
      emitStorageError,
    );
  });
  socket.on(TOKEN_CHANGED, () => {
    isAwaited = true;
    // What has been stored elsewhere may be a moment on its way. If it takes longer, the server asks again.
    presentLater(SEEN_AFTER_MS);
  });
  if (socket.connected) presentLater();
  pageListeners.add(onEvent);
  socket.tokenSession = {
    get token() {
      return held;
    },
    get id() {
      return idOf(held);
    },
    get state() {
      return connections.readState();
    },
    get ready() {
      return untilStarted();
    },
    on: listen,
    fetch: (input, init) =>
      fetchWithToken(
        input,
        init,
        origins,
        async () => {
          if (!held) await untilStarted("ended");
          return held;
        },
        (given, sent) =>
          runInTurn(async () => {
            // What has come in its place meanwhile stays.
            if (sent !== held) return;
            stored.invalidToken = held;
            setToken(given);
            await storage.setItem(stored.itemKey, given);
          })
            .catch(emitStorageError)
            // Before the application's next event, which finds the session then. Only for a token that was
            // taken: while a session is being created nothing is held, and asking again would create a second
            // one.
            .then(() => held === given && presentNow()),
      ),
    use(name) {
      stored.useKeyOf(name);
      drop();
      connections.reopen();
      return untilStarted();
    },
    identities: stored.identities,
    async forget() {
      const key = stored.itemKey;
      // Not removed: a tab that is asleep would take it for lost, and put it back.
      await runInTurn(() => storage.setItem(key, ""));
      if (key === stored.itemKey) leaveSession();
      // Other tabs hear of it from the browser, other sockets of this page from here.
      notifyListeners({ storageArea: storage as Storage, key, newValue: "" });
    },
    resume: () => connections.checkAlive(presentNow),
  };
  return socket.tokenSession;
}
