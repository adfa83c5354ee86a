// @ts-check
// Socket.IO with no session at all: the limit. It says what ours says, at once, and keeps nothing but in
// memory.
import { serve } from "./serve.js";

serve(({ io }) => {
  const expiresAt = Math.floor(Date.now() / 1000) + 86_400;
  io.on("connection", (socket) => {
    /** @type {Record<string, unknown>} */
    const values = {};
    socket.on("getToken", ({ token }) => {
      socket.emit("gotToken", { token, errors: "", expiresAt, created: false });
    });
    socket.on("set", ({ key, value }, done) => {
      values[key] = value;
      done({ ok: true });
    });
    socket.on("get", (key, done) => done(values[key]));
  });
  return {};
});
