// @ts-check
// One client that sets through its socket, in the two ways of latency-server.js. Questions: `connect` `{port,
// holder}`, `compare` `{times}`.
import { io } from "socket.io-client";
import { answer } from "../program.js";
import { alternating } from "./alternating.js";

/** @type {import("socket.io-client").Socket} */
let socket;

answer({
  async connect({ port, holder: { token } }) {
    socket = io(`http://127.0.0.1:${port}`, { transports: ["websocket"], auth: { token } });
    const message = await new Promise((resolve) => socket.once("gotToken", resolve));
    if (message.token !== token) throw new Error(`The client did not get its session: ${message.errors}`);
  },
  compare: ({ times }) =>
    alternating(times, async (way, value) => {
      const done = await socket.timeout(10_000).emitWithAck(way, value);
      if (done !== value) throw new Error("The client got the answer to something else.");
    }),
});
