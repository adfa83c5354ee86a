import { createServer, type Server } from "node:net";
import { expect, test } from "@jest/globals";
import { listen } from "../../support/listen.js";

test("a port that a test gives up for a while is handed to nobody else, and each server has its own", async () => {
  const servers: Server[] = [];
  const start = async (port?: number) => {
    const server = createServer();
    servers.push(server);
    return listen(server, port);
  };
  const stop = (server: Server | undefined) => new Promise((resolve) => server?.close(resolve));
  const port = await start();
  expect(await start()).not.toBe(port);
  await stop(servers[0]);
  // More than the system would need to come by any one port of its own again.
  const given = await Promise.all(Array.from({ length: 2000 }, () => start(0)));
  expect(given).toHaveLength(2000);
  const ports = servers.slice(2).map((server) => (server.address() as { port: number }).port);
  expect(ports).not.toContain(port);
  expect(await start(port)).toBe(port);
  await expect(start(port)).rejects.toMatchObject({ code: "EADDRINUSE" });
  await Promise.all(servers.map(stop));
});
