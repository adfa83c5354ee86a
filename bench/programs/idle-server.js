// @ts-check
// A server whose sockets do nothing: bare (`options.ours` false) or with sessions. Further question:
// `memory`.
import { setTimeout as delay } from "node:timers/promises";
import { tokenSession } from "../../dist/index.js";
import { serve } from "../contenders/serve.js";

const quietMs = 200;

/** Bytes in use: objects, and what Buffers hold beside them. */
function inUse() {
  if (!globalThis.gc) throw new Error("This process was not started with --expose-gc.");
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return { heapUsed, external, total: heapUsed + external };
}

/** Looks until two looks in a row show the same, to a thousandth. */
async function memory() {
  let before = inUse();
  for (let looks = 0; looks < 30; looks += 1) {
    await delay(quietMs);
    const now = inUse();
    if (Math.abs(now.total - before.total) < now.total / 1000) return now;
    before = now;
  }
  throw new Error("The server does not come to rest.");
}

serve(({ io, pool, options }) => {
  const { ours, ...given } = options;
  if (ours) {
    const sessions = tokenSession({ db: pool, logger: false, ...given });
    sessions.attach(io);
    return { close: () => sessions.close(), answers: { memory } };
  }
  io.use((socket, next) => {
    // As ours does, so that the same texts are kept.
    delete socket.handshake.auth["token"];
    next();
  });
  io.on("connection", (socket) => {
    socket.once("getToken", ({ token }) => socket.emit("gotToken", { token, errors: "" }));
  });
  return { answers: { memory } };
});
