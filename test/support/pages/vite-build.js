// @ts-check
// node vite-build.js <folder>: builds an app as `vite build` does there, with the client's sources for the
// package. A program of its own, because Vite's native part takes no objects that come from Jest's realm.
import path from "node:path";
import process from "node:process";
import { build } from "vite";

const client = path.resolve(import.meta.dirname, "../../../client");
const [, , root = ""] = process.argv;
await build({
  root,
  logLevel: "warn",
  resolve: {
    alias: [
      { find: /^socket\.io-token-session\/client$/, replacement: path.join(client, "index.ts") },
      { find: /^socket\.io-token-session\/client\/(.+)$/, replacement: path.join(client, "adapters/$1.ts") },
    ],
  },
});
