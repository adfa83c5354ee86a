// The program of a node: the product, and the real server of Socket.IO on an engine whose transport is
// simulated.
export { default as expressSession } from "express-session";
export { Server } from "socket.io";
export { ClusterAdapter } from "socket.io-adapter";
// Engine.IO does not export these two by its name. The transport is where its packets leave the process.
export { Socket as EngineSocket } from "../../../node_modules/engine.io/build/socket.js";
export { Transport as EngineTransport } from "../../../node_modules/engine.io/build/transport.js";
export { ConnectStore } from "../../../src/cookie-sessions/express-session-store.js";
export { fromCookie, SessionError, tokenSession } from "../../../src/index.js";
