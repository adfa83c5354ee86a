// @ts-check
// This library, built, as its README says.
import { tokenSession } from "../../dist/index.js";
import { serve } from "./serve.js";

const logger = {
  log(/** @type {string} */ level, /** @type {string} */ text) {
    if (level === "warn" || level === "error") console.error(`ours, ${level}: ${text}`);
  },
};

serve(({ io, pool, options }) => {
  const sessions = tokenSession({ db: pool, logger, ...options });
  sessions.attach(io);
  io.on("connection", (socket) => {
    socket.on("set", async ({ key, value }, done) => {
      await socket.session.set(key, value);
      done({ ok: true });
    });
    socket.on("get", (key, done) => done(socket.session.get(key)));
  });
  return { close: () => sessions.close(), answers: { prune: () => sessions.prune() } };
});
