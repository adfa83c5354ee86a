// @ts-check
// Many connections that send as fast as they can, and come back at once when they are closed. Question:
// `flood` `{port, flood, connections, warmUp}`, answered after `warmUp` seconds of it; it goes on until the
// program ends.
import { setTimeout as delay } from "node:timers/promises";
import { Manager } from "socket.io-client";
import { mintToken } from "../../dist/token/token.js";
import { answer } from "../program.js";

/** @typedef {"events" | "connects" | "tokens" | "answered" | "young"} Flood */

/** Packets that are given to a connection together, when it has sent those before. */
const burst = 64;
/** Bytes of a connection that may wait for the network. */
const mostBuffered = 65_536;
const old = Date.UTC(2020, 0);
/** Nobody has these: enough of them that the same is hardly ever presented twice at once. */
const unknown = Array.from({ length: 20_000 }, () => mintToken(old).text);
let used = 0;

function unknownToken() {
  used = (used + 1) % unknown.length;
  return unknown[used];
}

/**
 * What is sent without waiting, as Socket.IO has it in a packet. @type {Record<"events" | "connects" |
 * "tokens", () => string>}
 */
const packets = {
  events: () =>
    '2["flood",{"text":"as long as the tokens that the other floods have: 0123456789012345678901234567"}]',
  connects: () => `0${JSON.stringify({ token: unknownToken() })}`,
  tokens: () => `2["getToken",${JSON.stringify({ token: unknownToken() })}]`,
};

answer({
  async flood({ port, flood, connections, warmUp }) {
    for (let n = 0; n < connections; n += 1) run(port, flood);
    await delay(warmUp * 1000);
  },
});

/**
 * @param {number} port
 * @param {Flood} flood
 */
function run(port, flood) {
  let isOver = false;
  const manager = new Manager(`http://127.0.0.1:${port}`, { transports: ["websocket"], reconnection: false });
  const socket = flood === "connects" ? undefined : manager.socket("/");
  if (socket && (flood === "answered" || flood === "young")) {
    const present = () =>
      socket.emit("getToken", { token: flood === "young" ? mintToken(Date.now()).text : unknownToken() });
    socket.on("connect", present);
    socket.on("gotToken", present);
  } else {
    const packet = packets[/** @type {keyof typeof packets} */ (flood)];
    const begin = () => {
      const { engine } = manager;
      const send = () => {
        if (isOver) return undefined;
        // "drain" only says that the packets were handed on: what the network has not taken yet would pile up
        // here.
        const { ws } = /** @type {any} */ (engine.transport);
        if (ws.bufferedAmount > mostBuffered) return setTimeout(send, 1);
        for (let n = 0; n < burst; n += 1) engine.write(packet());
        return engine.once("drain", () => setImmediate(send));
      };
      send();
    };
    if (socket) socket.on("connect", begin);
    else manager.on("open", begin);
  }
  manager.on("close", again);
  manager.on("error", again);

  function again() {
    if (isOver) return;
    isOver = true;
    // Not at the same moment of the event loop, or nothing else of this process would ever have its turn.
    setImmediate(run, port, flood);
  }
}
