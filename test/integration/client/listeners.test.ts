import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";
import { build } from "esbuild";
import { useNodes } from "../../support/servers/nodes.js";

const nodes = useNodes();

// A program of its own, because Jest takes unhandled rejections for itself.
const PROGRAM = `
  import { io } from "socket.io-client";
  import { tokenSession } from "./client/index.js";
  process.on("unhandledRejection", (error) => console.log("unhandled: " + error.message));
  const socket = io(process.argv[1], { transports: ["websocket"] });
  const session = tokenSession(socket, { storage: new (class extends Map {
    getItem(key) { return this.get(key) }
    setItem(key, value) { this.set(key, value) }
    removeItem(key) { this.delete(key) }
  })() });
  for (const name of ["token", "start"]) {
    session.on(name, () => { throw new Error(name); });
    session.on(name, () => console.log("heard: " + name));
  }
  session.ready.then(() => {
    console.log(session.state);
    socket.disconnect();
  });
`;

test("a listener that throws stops nothing, and is an unhandled rejection", async () => {
  const node = await nodes.node();
  const { outputFiles } = await build({
    stdin: { contents: PROGRAM, resolveDir: process.cwd(), loader: "ts" },
    bundle: true,
    write: false,
    platform: "node",
    packages: "external",
  });
  const { stdout } = await promisify(execFile)(process.execPath, [
    "-e",
    outputFiles[0]?.text ?? "",
    node.url,
  ]);
  expect(stdout.trim().split("\n").sort()).toEqual([
    "heard: start",
    "heard: token",
    "open",
    "unhandled: start",
    "unhandled: token",
  ]);
});
