// @ts-check
// Servers that are started for the first test file that asks for them. The files run in processes of their
// own, and ask over HTTP.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import http from "node:http";
import { onShutdown } from "../shutdown.js";

/**
 * @typedef {{ url: string } | { missing: string, command: string }} Offer where it is; or why there is none,
 * and what would add one
 */

/**
 * @param {Readonly<Record<string, () => Promise<Offer>>>} starts by name
 * @returns {Promise<string>} what test/support/offers.ts asks: the address that a name is appended to
 */
export async function offer(starts) {
  // Addresses of servers have passwords in them: other users of this machine may reach the port, and cannot
  // guess the path.
  const path = `/${randomBytes(16).toString("hex")}/`;
  /** @type {Map<string, Promise<Offer>>} */
  const started = new Map();
  const server = http.createServer(async ({ url = "" }, response) => {
    // A busy process may send its next request on a connection that is being closed for its idleness.
    response.setHeader("Connection", "close");
    const name = url.startsWith(path) ? url.slice(path.length) : "";
    const start = Object.hasOwn(starts, name) ? starts[name] : undefined;
    if (!start) {
      response.writeHead(404).end();
      return;
    }
    const answer = started.get(name) ?? start();
    started.set(name, answer);
    try {
      response.end(JSON.stringify(await answer));
    } catch (error) {
      response.writeHead(500).end(error instanceof Error ? error.message : String(error));
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onShutdown(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return `http://127.0.0.1:${port}${path}`;
}
