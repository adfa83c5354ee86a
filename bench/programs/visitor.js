// @ts-check
// Somebody who comes, gets a session and goes, again and again. Question: `open` `{port, holder, opens,
// sessions}`: how long each open took, in milliseconds; without `sessions`, each connect.
import { io } from "socket.io-client";
import { answer } from "../program.js";

/** A server that lets nobody in for so long is measured as that. */
const longestMs = 60_000;

answer({
  async open({ port, holder: { token }, opens, sessions }) {
    const taken = [];
    for (let n = 0; n < opens; n += 1) {
      const begun = performance.now();
      const socket = io(`http://127.0.0.1:${port}`, {
        forceNew: true,
        transports: ["websocket"],
        timeout: longestMs,
        auth: { token, confirm: true },
      });
      await /** @type {Promise<void>} */ (
        new Promise((resolve, reject) => {
          setTimeout(resolve, longestMs).unref();
          socket.once(sessions ? "gotToken" : "connect", (message) => {
            if (sessions && message.token !== token) reject(new Error(`not its session: ${message.errors}`));
            else resolve();
          });
        })
      );
      taken.push(performance.now() - begun);
      socket.disconnect();
    }
    return taken;
  },
});
