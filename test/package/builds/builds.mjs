// In a project with the packed tarball and the tools: bundles that run, test runners in their usual settings.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(import.meta.url);
// An application keeps these apart as a rule: they load more by name, at run time.
const native = ["bufferutil", "utf-8-validate"];

const bundlers = {
  "esbuild to CommonJS": (file) => esbuild("cjs", `${file}.cjs`),
  "esbuild to an ES module": (file) => esbuild("esm", `${file}.mjs`),
  async rollup(file) {
    const plugin = (name) => require(`@rollup/plugin-${name}`).default ?? require(`@rollup/plugin-${name}`);
    const { rollup } = require("rollup");
    const plugins = [
      plugin("node-resolve")({ preferBuiltins: true, exportConditions: ["node"] }),
      plugin("commonjs")({ ignoreDynamicRequires: true, ignore: native }),
      plugin("json")(),
    ];
    const bundle = await rollup({ input: "bundled.mjs", plugins, external: native, onwarn() {} });
    await bundle.write({ file: `${file}.cjs`, format: "cjs", inlineDynamicImports: true });
    return `${file}.cjs`;
  },
  webpack(file) {
    const webpack = require("webpack");
    const [folder, filename] = [path.resolve(path.dirname(file)), `${path.basename(file)}.cjs`];
    return new Promise((resolve, reject) => {
      webpack(
        {
          entry: "./bundled.mjs",
          target: "node",
          mode: "production",
          externals: Object.fromEntries(native.map((name) => [name, `commonjs ${name}`])),
          output: { path: folder, filename },
        },
        (error, stats) =>
          error || stats.hasErrors() ? reject(error ?? new Error(stats.toString())) : resolve(`${file}.cjs`),
      );
    });
  },
  async ncc(file) {
    await run("@vercel/ncc/dist/ncc/cli.js", ["build", "bundled.mjs", "-o", file]);
    return fs.existsSync(`${file}/index.mjs`) ? `${file}/index.mjs` : `${file}/index.js`;
  },
};

const same = `
const assert = require("node:assert/strict");
const server = require("socket.io-token-session");
const client = require("socket.io-token-session/client");
const { mintAndOpen } = require("../session.cjs");
test("a session", async () => assert.deepEqual(await mintAndOpen(server, client), ["Ada", 200]));`;
const typed = (framework = "") => `
import assert from "node:assert/strict";${framework}
import { SessionError, tokenSession, memoryStore, type SessionHandle } from "socket.io-token-session";
import * as client from "socket.io-token-session/client";
import { mintAndOpen } from "../session.cjs";
test("a session", async () => {
  const handle: SessionHandle | undefined = undefined;
  assert.equal(handle, undefined);
  assert.equal(typeof SessionError, "function");
  assert.deepEqual(await mintAndOpen({ tokenSession, memoryStore }, client), ["Ada", 200]);
});`;
const untyped = (framework = "") =>
  typed(framework).replace(", type SessionHandle", "").replace(": SessionHandle | undefined", "");
const jest = (config) => ({
  "jest.config.json": JSON.stringify({ testEnvironment: "node", rootDir: ".", ...config }),
});
const jestTool = ["jest/bin/jest.js", ["--config", "jest.config.json"]];

/** Of each: its files, the tool, what that is told, and Node's own options. */
const runners = {
  "Jest, CommonJS": [{ ...jest({ transform: {} }), "a.test.js": same }, ...jestTool],
  "ts-jest": [
    {
      ...jest({
        transform: {
          "\\.ts$": [
            "ts-jest",
            {
              tsconfig: {
                module: "commonjs",
                moduleResolution: "node10",
                ignoreDeprecations: "6.0",
                target: "es2022",
                esModuleInterop: true,
                strict: true,
                allowJs: true,
                skipLibCheck: true,
                types: ["node"],
              },
              diagnostics: { ignoreCodes: [2307] },
            },
          ],
        },
      }),
      "a.test.ts": typed('\nimport { test } from "@jest/globals";'),
    },
    ...jestTool,
  ],
  "babel-jest": [
    {
      ...jest({
        transform: {
          "\\.js$": ["babel-jest", { presets: [["@babel/preset-env", { targets: { node: "current" } }]] }],
        },
      }),
      "a.test.js": untyped(),
    },
    ...jestTool,
  ],
  "Jest, ES modules": [
    { ...jest({ transform: {} }), "a.test.mjs": untyped('\nimport { test } from "@jest/globals";') },
    "jest/bin/jest.js",
    ["--config", "jest.config.json", "--testMatch", "**/*.mjs"],
    ["--experimental-vm-modules"],
  ],
  vitest: [
    { "a.test.ts": typed('\nimport { test } from "vitest";') },
    "vitest/vitest.mjs",
    ["run", "--root", "."],
  ],
  "node:test": [{ "a.test.mjs": untyped('\nimport test from "node:test";') }, "", ["--test", "a.test.mjs"]],
  mocha: [{ "a.test.cjs": same }, "mocha/bin/mocha.js", ["--ui", "qunit", "a.test.cjs"]],
  tsx: [
    { "a.test.ts": typed('\nimport test from "node:test";') },
    "tsx/dist/cli.mjs",
    ["--test", "a.test.ts"],
  ],
};

fs.mkdirSync("out", { recursive: true });
const failed = [];
for (const [name, bundle] of Object.entries(bundlers)) {
  await check(name, async () => {
    const file = await bundle(`out/${name.replaceAll(" ", "-")}`);
    assert.match(await run("", [file]), /bundle ran/);
  });
}
for (const [name, [files, tool, args, nodeArgs = []]] of Object.entries(runners)) {
  await check(name, async () => {
    const folder = name.replaceAll(/\W+/g, "-");
    fs.mkdirSync(folder, { recursive: true });
    // The nearest package.json says that .js and .ts are CommonJS, as where there is nothing of "type".
    fs.writeFileSync(path.join(folder, "package.json"), "{}");
    for (const [file, text] of Object.entries(files)) fs.writeFileSync(path.join(folder, file), text);
    await run(tool, args, { cwd: folder, nodeArgs });
  });
}
if (failed.length > 0) {
  console.error(failed.join("\n\n"));
  process.exitCode = 1;
}

async function check(name, work) {
  const begun = Date.now();
  try {
    await work();
    console.log(`  ${name}: passed (${Math.round((Date.now() - begun) / 1000)} s)`);
  } catch (error) {
    failed.push(`${name}: ${error instanceof Error ? error.message : error}`);
  }
}

async function esbuild(format, outfile) {
  const { build } = require("esbuild");
  // What esbuild's own documentation says for packages in CommonJS that are bundled to an ES module.
  const banner = {
    js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
  };
  await build({
    entryPoints: ["bundled.mjs"],
    bundle: true,
    platform: "node",
    format,
    outfile,
    logLevel: "error",
    ...(format === "esm" && { banner }),
  });
  return outfile;
}

function run(tool, args, { cwd = ".", nodeArgs = [] } = {}) {
  const program = tool === "" ? [] : [path.resolve("node_modules", tool)];
  const child = spawn(process.execPath, [...nodeArgs, ...program, ...args], { cwd });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += text));
  return new Promise((resolve, reject) =>
    child.on("close", (code) => (code === 0 ? resolve(said) : reject(new Error(said)))),
  );
}
