// @ts-check
// Loaded before a program of the documentation, which names a port that may be in use: it listens on a free
// one, and tells which.
import { Server } from "node:net";

const { listen } = Server.prototype;

/** @type {(this: Server, ...args: any[]) => Server} */
Server.prototype.listen = function (...args) {
  const [first] = args;
  if (typeof first !== "number") return Reflect.apply(listen, this, args);
  this.once("listening", () => {
    const address = /** @type {import("node:net").AddressInfo} */ (this.address());
    process.send?.({ port: address.port });
  });
  return Reflect.apply(listen, this, [0, "127.0.0.1"]);
};
