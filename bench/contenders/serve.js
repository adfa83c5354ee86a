// @ts-check
// What all contenders have in common: a Socket.IO server on websocket alone, a pool of mysql2, and the
// questions they answer.
import { once } from "node:events";
import { createServer } from "node:http";
import { createPool } from "mysql2";
import { Server } from "socket.io";
import { answer } from "../program.js";

/** @typedef {import("mysql2").Pool} Pool of callbacks; `pool.promise()` is the same pool of promises */
/**
 * @typedef {object} Started
 * @property {() => unknown} [close] ends what the contender itself has begun
 * @property {Record<string, import("../program.js").Answer>} [answers] further questions
 */
/** @typedef {{ io: Server, pool: Pool, options: Record<string, any> }} Given */

/**
 * Makes this process a contender. Its questions: `start` `{databaseUrl, poolSize, options}` → `{port}`;
 * `stop`; `idle`, answered when nothing is on its way; `cpu`, the time that this process has had, in
 * microseconds.
 * @param {(given: Given) => Started | Promise<Started>} attach
 * @param {() => import("node:http").Server} [makeServer]
 */
export function serve(attach, makeServer = createServer) {
  /** @type {Record<string, import("../program.js").Answer>} */
  const answers = {
    async start({ databaseUrl, poolSize, options }) {
      const pool = createPool({ uri: databaseUrl, connectionLimit: poolSize, charset: "utf8mb4" });
      const http = makeServer();
      const io = new Server(http, { transports: ["websocket"], serveClient: false });
      const { close, answers: further = {} } = await attach({ io, pool, options });
      Object.assign(answers, further, {
        async stop() {
          await io.close();
          await close?.();
          await pool.promise().end();
        },
      });
      http.listen(0, "127.0.0.1");
      await once(http, "listening");
      return { port: /** @type {import("node:net").AddressInfo} */ (http.address()).port };
    },
    idle() {},
    cpu() {
      const { user, system } = process.cpuUsage();
      return user + system;
    },
  };
  answer(answers);
}
