// @ts-check
// Builds the client: one ES module and one script-tag file, and each entry beside them; refuses what has
// grown too large.
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { projectFolder } from "../paths.js";
import { targets } from "./client-engines.js";
import { budgets, gzipped } from "./client-sizes.js";

/**
 * Files of dist/client and what they are made of. `index.js` is not taken into another ES module: it knows
 * its sockets.
 * @type {readonly { file: string, from: string, platform?: "node" }[]}
 */
const modules = [
  { file: "index.js", from: "index.ts" },
  { file: "connect-with-session.js", from: "connect-with-session.ts" },
  ...[
    "capacitor-preferences",
    "aparajita-secure-storage",
    "capacitor-secure-storage-plugin",
    "cordova-secure-storage-echo",
    "cordova-nativestorage",
    "http-only-cookie",
  ].map((name) => ({ file: `adapters/${name}.js`, from: `adapters/${name}.ts` })),
  { file: "adapters/node-file.js", from: "node/node-file.ts", platform: "node" },
];

/**
 * Members by which modules of the client know each other's objects, and no application sees: their names are
 * shortened too. None of them may be a name of the browser, of Socket.IO or of a public type.
 */
const INTERNAL =
  /^(checkAlive|dropConnection|emitState|ensureConnecting|guardConnection|invalidToken|itemKey|listen|readOrHeld|readState|readToken|removeMigrated|reopen|scheduleStep|setState|useKeyOf)$/;

/** Needs the dependencies, and the declarations that tsc has made. */
export async function buildClient() {
  for (const { file, from, platform } of modules) {
    await make(file, { from, format: "esm", ...(platform && { platform }) });
    await make(file.replace(/js$/, "cjs"), { from, format: "cjs", ...(platform && { platform }) });
  }
  await make("socket.io-token-session.js", { from: "script.ts", format: "iife" });
}

/** @type {import("esbuild").Plugin} What is external there has another name here. */
const besideCommonJs = {
  name: "beside-commonjs",
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/index\.js$/ }, () => ({ path: "./index.cjs", external: true }));
  },
};

/**
 * @param {string} file
 * @param {{ from: string, format: "esm" | "cjs" | "iife", platform?: "browser" | "node" }} how
 */
async function make(file, { from, format, platform = "browser" }) {
  const { build } = await import("esbuild");
  const { minify } = await import("terser");
  const { outputFiles } = await build({
    absWorkingDir: projectFolder,
    entryPoints: [path.join("client", from)],
    bundle: true,
    // The script-tag form is one file.
    external: format === "esm" ? ["./index.js"] : [],
    plugins: format === "cjs" ? [besideCommonJs] : [],
    platform,
    format,
    ...(format === "iife" ? targets.script : targets.module),
    // Older engines have it by this name alone.
    define: format === "iife" ? { globalThis: "window" } : {},
    minifySyntax: true,
    write: false,
    logLevel: "warning",
  });
  const { code = "" } = await minify(outputFiles[0]?.text ?? "", {
    module: format !== "iife",
    ecma: format === "iife" ? 2018 : 2020,
    mangle: { properties: { regex: INTERNAL } },
    compress: {
      passes: 3,
      unsafe: true,
      lhs_constants: false,
      // Nothing that is compared is NaN.
      unsafe_comps: true,
      keep_fargs: false,
      hoist_funs: true,
      arrows: false,
    },
  });
  const size = gzipped(code);
  const budget = budgets[file];
  if (budget !== undefined && size > budget)
    throw new Error(`dist/client/${file} has ${size} bytes gzipped; ${budget} are allowed`);
  const target = path.join(projectFolder, "dist", "client", file);
  mkdirSync(path.dirname(target), { recursive: true });
  writeFileSync(target, code);
}
