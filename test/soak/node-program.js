// @ts-check
// A node: a Socket.IO server with token sessions, HTTP requests and express-session, in a process of its own,
// on the built package. test/soak/node.js starts it.
import { once } from "node:events";
import { createServer } from "node:http";
import express from "express";
import session from "express-session";
import { Server } from "socket.io";
import { ConnectStore } from "../../dist/cookie-sessions/express-session-store.js";
import { tokenSession } from "../../dist/index.js";
import { sharedPool } from "./application.js";

/**
 * @typedef {{ port: number, access: object, limit: number, cookieSecret: string, options: object }} Settings
 */
/** @typedef {import("../../dist/index.js").SessionHandle} Handle */

// By the terminal; whoever started us ends us. If that one goes, so do we.
process.on("SIGINT", () => {});
process.once("disconnect", () => process.exit(1));
for (const event of /** @type {const} */ (["unhandledRejection", "uncaughtException"])) {
  process.on(event, (error) =>
    tell({ event, text: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
}

const [settings] = /** @type {[Settings]} */ (await once(process, "message"));
const application = sharedPool(settings);
const logger = {
  log: (/** @type {string} */ level, /** @type {string} */ text) =>
    console.log(new Date().toISOString(), level, text),
};
const sessions = tokenSession({ db: application.pool, logger, ...settings.options });
const app = express();
const http = createServer(app);
const io = new Server(http, { serveClient: false });
sessions.attach(io);

/**
 * What a change leaves in the values: the mark of each is there once, or not at all. @type {Record<string,
 * (target: { session: Handle, withSession?: any }, mark: string, key: string) => Promise<unknown>>}
 */
const changes = {
  update: ({ session }, mark) =>
    session.update((draft) => {
      draft["updates"] = [.../** @type {string[]} */ (draft["updates"] ?? []), mark];
    }),
  put: ({ session }, mark, key) => session.set(key, mark),
  handler: (socket, mark) =>
    socket.withSession(async (/** @type {{ session: Record<string, unknown> }} */ { session }) => {
      await new Promise(setImmediate);
      session["handlers"] = [.../** @type {string[]} */ (session["handlers"] ?? []), mark];
    }),
};
/** @type {Record<string, (handle: Handle, user: string) => Promise<unknown>>} */
const others = {
  read: async () => {},
  reload: (handle) => handle.reload(),
  login: (handle, user) => handle.login(user),
  logout: (handle) => handle.logout(),
  regenerate: (handle) => handle.regenerate(),
  destroy: (handle) => handle.destroy(),
};

io.on("connection", (socket) => {
  for (const [name, change] of Object.entries(changes)) {
    socket.on(name, (mark, key, done) => answer(done, () => change(/** @type {any} */ (socket), mark, key)));
  }
  for (const [name, run] of Object.entries(others)) {
    socket.on(name, (user, done) =>
      answer(
        done,
        () => run(socket.session, user),
        () => shown(socket.session),
      ),
    );
  }
});

app.get(
  "/me",
  sessions.express({ required: true }),
  (req, res) => void res.json({ code: "", ...shown(/** @type {any} */ (req).session) }),
);
app.post("/update/:mark", sessions.express({ required: true }), (req, res) =>
  answer(
    (content) => res.json(content),
    () => changes["update"]?.(/** @type {any} */ (req), req.params.mark, ""),
  ),
);
const store = new ConnectStore(sessions);
app.use(
  "/cookie",
  session({ secret: settings.cookieSecret, store, resave: false, saveUninitialized: false }),
);
app.post("/cookie/:key/:mark", (req, res) => {
  /** @type {any} */ (req.session)[req.params.key] = req.params.mark;
  answer(
    (content) => res.json(content),
    () =>
      new Promise((resolve, reject) =>
        req.session.save((error) => (error ? reject(error) : resolve(undefined))),
      ),
    () => ({ id: store.idOf(req.sessionID) }),
  );
});
app.get(
  "/cookie",
  (req, res) =>
    void res.json({ code: "", id: store.idOf(req.sessionID), values: { ...req.session, cookie: undefined } }),
);
app.delete("/cookie", (req, res) =>
  answer(
    (content) => res.json(content),
    () =>
      new Promise((resolve, reject) =>
        req.session.destroy((error) => (error ? reject(error) : resolve(undefined))),
      ),
  ),
);
app.use(
  (
    /** @type {any} */ error,
    /** @type {any} */ _,
    /** @type {express.Response} */ res,
    /** @type {any} */ _next,
  ) => {
    if (!res.headersSent) res.status(503).json({ code: codeOf(error) });
  },
);

/** @param {Handle} handle */
function shown(handle) {
  return { id: handle.id, userId: handle.userId, values: handle.toJSON() };
}

/** @param {(content: object) => void} done @param {() => unknown} run @param {() => object} [more] */
async function answer(done, run, more = () => ({})) {
  try {
    await run();
    done({ code: "", ...more() });
  } catch (error) {
    done({ code: codeOf(error), ...more() });
  }
}

/** @param {unknown} error */
function codeOf(error) {
  const { code, message } = /** @type {{ code?: string, message?: string }} */ (error);
  return code ?? String(message);
}

/** @type {Record<string, (...args: any[]) => unknown>} */
const commands = {
  leave: application.leave,
  starve: application.starve,
  feed: application.feed,
  lag: application.lag,
  freeze: (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms),
  /**
   * Used bytes of the heap, after the collector has run twice with a rest for what the first run set free.
   */
  async heap() {
    for (let run = 0; run < 2; run++) {
      await new Promise((resolve) => setImmediate(resolve));
      global.gc?.();
    }
    return process.memoryUsage().heapUsed;
  },
  async close() {
    await io.close();
    await sessions.close();
    application.pool.end(() => {});
  },
};
process.on(
  "message",
  async (/** @type {{ call: number, command: string, args: unknown[] }} */ { call, command, args }) => {
    try {
      tell({ call, result: await commands[command]?.(...args) });
    } catch (error) {
      tell({ call, error: codeOf(error) });
    }
  },
);

/** @param {object} message */
function tell(message) {
  if (process.connected) process.send?.(message);
}

http.listen(settings.port, "127.0.0.1");
await once(http, "listening");
tell({ event: "listening", port: /** @type {import("node:net").AddressInfo} */ (http.address()).port });
