// @ts-check
// Builds dist/: the server as ES modules with types (tsc), the client as one ES module and one script-tag file (esbuild).
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** Builds dist/ from scratch; throws when the sources do not compile. */
export async function build({ say = (/** @type {string} */ _text) => {} } = {}) {
  say("building dist/");
  rmSync(path.join(root, "dist"), { recursive: true, force: true });
  const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
  // --force: the build records live outside dist/ and would otherwise call an emptied dist/ up to date.
  const result = spawnSync(process.execPath, [tsc, "-b", "--force", "src", "client"], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (result.status !== 0) throw new Error("the TypeScript sources do not compile");

  const { build: bundle } = await import("esbuild");
  /** @type {import("esbuild").BuildOptions} */
  const shared = { absWorkingDir: root, bundle: true, minify: true, target: "es2018", logLevel: "warning" };
  await bundle({
    ...shared,
    entryPoints: ["client/index.ts"],
    format: "esm",
    outfile: "dist/client/index.js",
  });
  await bundle({
    ...shared,
    entryPoints: ["client/script.ts"],
    format: "iife",
    outfile: "dist/client/socket.io-token-session.js",
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await build({ say: (text) => console.log(text) });
}
