// @ts-check
// express-session with express-mysql-session, through io.engine.use as Socket.IO's guide has it. Between
// events the guide reloads the session to see what others have written, so that is what gives a socket its
// session again.
import { createServer } from "node:http";
import express from "express";
import mysqlStore from "express-mysql-session";
import session from "express-session";
import { serve } from "./serve.js";

/** @typedef {import("express-session").Session} Session */
/** @typedef {import("node:http").IncomingMessage & { session: Session, sessionID: string }} Request */

const listener = () => createServer(express());

serve(async ({ io, pool, options: { secret } }) => {
  const MySQLStore = mysqlStore(session);
  const store = new MySQLStore({}, pool);
  await store.onReady();
  io.engine.use(session({ secret, store, resave: true, saveUninitialized: true }));
  const expiresAt = Math.floor(Date.now() / 1000) + 86_400;
  io.on("connection", (socket) => {
    const request = /** @type {Request} */ (/** @type {unknown} */ (socket.request));
    // A reload puts a new object into the request, so it is asked for each time.
    const reload = () => settled((done) => request.session.reload(done));
    socket.on("getToken", async () => {
      await reload();
      socket.emit("gotToken", { token: request.sessionID, errors: "", expiresAt, created: false });
    });
    socket.on("set", async ({ key, value }, done) => {
      await reload();
      request.session[key] = value;
      await settled((saved) => request.session.save(saved));
      done({ ok: true });
    });
    socket.on("get", async (key, done) => {
      await reload();
      done(request.session[key]);
    });
  });
  return { close: () => store.close() };
}, listener);

/**
 * @param {(done: (error?: unknown) => void) => void} begin
 * @returns {Promise<void>}
 */
function settled(begin) {
  return new Promise((resolve, reject) => begin((error) => (error ? reject(error) : resolve())));
}
