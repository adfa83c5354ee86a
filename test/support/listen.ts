import { once } from "node:events";
import type { Server } from "node:net";

// Below the ports that systems hand out for port 0 and to outgoing connections (Linux: from 32768; others:
// from 49152).
const FIRST = 10_000;
const SHARE = 2_000;
const WORKERS = 10;

const worker = Number(process.env["JEST_WORKER_ID"] ?? 1) % WORKERS;
let offset = Math.floor(Math.random() * SHARE);

/**
 * Listens on 127.0.0.1 and gives the port: the given one, else a free one that no other worker takes. A test
 * that stops a server and starts it again on its port needs that: a port of the system's choice may meanwhile
 * be somebody else's, who then gets what was meant for the server (a connection to a database, say, and never
 * answers it).
 */
export async function listen(server: Server, port?: number): Promise<number> {
  for (;;) {
    const tried = port ?? FIRST + worker * SHARE + (offset++ % SHARE);
    server.listen(tried, "127.0.0.1");
    try {
      await once(server, "listening");
      return tried;
    } catch (error) {
      if (port !== undefined || (error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    }
  }
}
