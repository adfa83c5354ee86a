// @ts-check
import fs from "node:fs";
import path from "node:path";
import { projectFolder } from "../paths.js";
import { buildAlone } from "./build-lock.js";

/**
 * Builds dist/ when it is missing or older than the sources; needs the dependencies.
 * @param {{ say: import("../paths.js").Say }} options
 */
export async function ensureBuilt({ say }) {
  if (isFresh()) return;
  const { build } = await import("./build.js");
  await buildAlone(
    async () => {
      // Another command may have built it meanwhile.
      if (!isFresh()) await build({ say });
    },
    { say },
  );
}

function isFresh() {
  // The last file of a build: with it, the build went through.
  const last = path.join(projectFolder, "dist", "index.mjs");
  const built = fs.existsSync(last) ? fs.statSync(last).mtimeMs : 0;
  const sources = [
    "src",
    "client",
    "sql",
    "package.json",
    "tsconfig.base.json",
    path.join("scripts", "build"),
  ];
  return newest(sources.map((name) => path.join(projectFolder, name))) <= built;
}

/**
 * @param {readonly string[]} places files or folders
 * @returns {number}
 */
function newest(places) {
  const times = places.map((place) => {
    const found = fs.statSync(place);
    if (!found.isDirectory()) return found.mtimeMs;
    return newest(fs.readdirSync(place).map((name) => path.join(place, name)));
  });
  return Math.max(0, ...times);
}
