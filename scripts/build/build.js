// @ts-check
// Builds dist/: types (tsc), the client (build-client.js) and the server (build-server.js).
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { projectFolder } from "../paths.js";
import { buildClient } from "./build-client.js";
import { buildAlone } from "./build-lock.js";
import { buildServer } from "./build-server.js";

/** Builds dist/ from scratch, within `buildAlone`; throws when the sources do not compile. */
export async function build({ say = (/** @type {string} */ _text) => {} } = {}) {
  say("building dist/");
  rmSync(path.join(projectFolder, "dist"), { recursive: true, force: true });
  const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
  // --force: the build records live outside dist/ and would otherwise call an emptied dist/ up to date.
  const result = spawnSync(
    process.execPath,
    [tsc, "-b", "--force", "src", "src/http/frameworks", "client", "client/node"],
    {
      cwd: projectFolder,
      stdio: ["ignore", "inherit", "inherit"],
    },
  );
  if (result.status !== 0) throw new Error("the TypeScript sources do not compile");

  await buildClient();
  await buildServer();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const say = (/** @type {string} */ text) => console.log(text);
  await buildAlone(() => build({ say }), { say });
}
