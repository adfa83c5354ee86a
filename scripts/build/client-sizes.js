// @ts-check
// How large the client may be, and is. `node scripts/build/client-sizes.js` prints the table of the README,
// of what has been built.
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { projectFolder } from "../paths.js";

/**
 * Bytes of a file of dist/client when gzipped: what a phone loads. What runs in Node alone is not loaded, and
 * has none.
 * @type {Readonly<Record<string, number>>}
 */
export const budgets = {
  "index.js": 2560,
  "socket.io-token-session.js": 2750,
  "adapters/capacitor-preferences.js": 400,
  "adapters/aparajita-secure-storage.js": 400,
  "adapters/capacitor-secure-storage-plugin.js": 400,
  "adapters/cordova-secure-storage-echo.js": 400,
  "adapters/cordova-nativestorage.js": 400,
  "adapters/http-only-cookie.js": 550,
};

/** @param {string | Buffer} content */
export function gzipped(content) {
  return gzipSync(content, { level: 9 }).length;
}

/** The table of the README, with what has been built. */
export function sizesTable() {
  const rows = Object.entries(budgets).map(([file, budget]) => {
    const size = gzipped(readFileSync(path.join(projectFolder, "dist", "client", file)));
    return `| \`${file}\` | ${size} | ${budget} |`;
  });
  return ["| file of `dist/client` | bytes, gzipped | at most |", "| --- | --- | --- |", ...rows].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(sizesTable());
