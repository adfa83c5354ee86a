// The program of a page: the product's client, and the real client of Socket.IO, whose transport is
// simulated.
export { Transport } from "engine.io-client";
export { Manager } from "socket.io-client";
export { httpOnlyCookie } from "../../../client/adapters/http-only-cookie.js";
export { tokenSession } from "../../../client/index.js";
