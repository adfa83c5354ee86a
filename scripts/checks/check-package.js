// @ts-check
// Packs the package, looks at what is in it, installs it in an empty project and uses it there: by import, by
// require, by types.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { ensureBuilt } from "../build/fresh-build.js";
import { projectFolder } from "../paths.js";
import { run } from "../processes.js";

const expected = [
  /^dist\//,
  /^(docs|sql)\/[\w.-]+$/,
  /^(README|CHANGELOG|SECURITY)\.md$/,
  /^LICENSE$/,
  /^package\.json$/,
];
const needed = [
  "dist/index.js",
  "dist/index.d.ts",
  "dist/client/index.js",
  "dist/client/adapters/capacitor-preferences.js",
  "docs/client.md",
  "dist/cookie-sessions/express-session-store.js",
  "dist/cookie-sessions/koa-session-store.js",
  "dist/admin/opentelemetry/instrument.js",
  "dist/testing/index.js",
  "dist/testing/index.d.ts",
  "sql/session.sql",
  "sql/grant.sql",
  "sql/prune.sql",
];
const consumers = path.join(projectFolder, "test", "package");
const { devDependencies: versions, overrides } = JSON.parse(
  fs.readFileSync(path.join(projectFolder, "package.json"), "utf8"),
);
let passed = 0;

/** @param {string} what @param {() => unknown} check */
async function step(what, check) {
  console.log(`· ${what}`);
  await check();
  passed += 1;
}

/** @param {string} name @param {string[]} args @param {string} [cwd] */
function tool(name, args, cwd = projectFolder) {
  const program = path.join(projectFolder, "node_modules", ...name.split("/"));
  return run(process.execPath, [program, ...args], { cwd });
}

/** @param {string[]} args @param {string} cwd */
function npm(args, cwd) {
  const windows = process.platform === "win32";
  return run(windows ? "npm.cmd" : "npm", args, { cwd, shell: windows });
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "package-check-"));
try {
  await ensureBuilt({ say: (text) => console.log(`· ${text}`) });
  let tarball = "";
  await step("packing, and nothing but what belongs there", async () => {
    // The build has just been made; packing would make it again.
    const said = await npm(
      ["pack", "--ignore-scripts", "--json", "--pack-destination", folder],
      projectFolder,
    );
    const [pack] = Object.values(JSON.parse(said));
    tarball = path.join(folder, pack.filename);
    const files = pack.files.map((/** @type {{ path: string }} */ file) => file.path);
    const stray = files.filter(
      (/** @type {string} */ file) => !expected.some((pattern) => pattern.test(file)),
    );
    const missing = needed.filter((file) => !files.includes(file));
    if (stray.length > 0 || missing.length > 0)
      throw new Error(`stray: ${stray.join(", ") || "none"}; missing: ${missing.join(", ") || "none"}`);
  });
  await step("publint", () => tool("publint/src/cli.js", ["--strict", "--pack", "false", "."]));
  await step("are the types wrong", () =>
    tool("@arethetypeswrong/cli/dist/index.js", [
      tarball,
      "--profile",
      "node16",
      "--exclude-entrypoints",
      "client/script",
      "sql/*",
    ]),
  );
  const project = path.join(folder, "project");
  await step("installing the tarball in an empty project", async () => {
    fs.mkdirSync(project);
    // The overrides are for what Fastify's own tests need, which asks for a newer Node.
    fs.writeFileSync(
      path.join(project, "package.json"),
      JSON.stringify({ private: true, type: "module", overrides }),
    );
    const used = [
      "socket.io",
      "mysql2",
      "socket.io-client",
      "@opentelemetry/api",
      "express",
      "express-session",
      "koa",
      "koa-session",
      "fastify",
    ];
    const types = ["@types/node", "@types/express", "@types/express-session", "@types/koa"];
    const peers = [...used, ...types].map((name) => `${name}@${versions[name]}`);
    await npm(
      ["install", "--prefer-offline", "--no-audit", "--no-fund", tarball, ...peers, "kysely"],
      project,
    );
    fs.cpSync(consumers, project, { recursive: true });
  });
  await step("a page's project gets the client without the server's packages", async () => {
    const page = path.join(folder, "page");
    fs.mkdirSync(page);
    fs.writeFileSync(path.join(page, "package.json"), JSON.stringify({ private: true, type: "module" }));
    const client = `socket.io-client@${versions["socket.io-client"]}`;
    await npm(["install", "--prefer-offline", "--no-audit", "--no-fund", tarball, client], page);
    for (const name of ["socket.io", "mysql2"])
      if (fs.existsSync(path.join(page, "node_modules", name))) throw new Error(`${name} is installed too`);
    const use = 'import { tokenSession } from "socket.io-token-session/client"; if (!tokenSession) throw 0;';
    await run(process.execPath, ["--input-type=module", "-e", use], { cwd: page });
  });
  await step("import, require, the client, the store contract and sql/ at run time", () =>
    run(process.execPath, ["run.mjs"], { cwd: project }),
  );
  for (const program of ["plain", "augmented", "frameworks", "cookies"]) {
    await step(`types: ${program}`, () => {
      fs.writeFileSync(path.join(project, "tsconfig.json"), consumerConfig(program));
      return tool("typescript/bin/tsc", ["-p", project], project);
    });
  }
  await step("installing the tools of builds and tests", async () => {
    const wanted = JSON.parse(fs.readFileSync(path.join(project, "builds", "tools.json"), "utf8"));
    for (const name of ["esbuild", "jest", "@jest/globals", "ts-jest", "typescript"])
      wanted[name] = versions[name];
    const specs = Object.entries(wanted).map(([name, version]) => `${name}@${version}`);
    await npm(["install", "--prefer-offline", "--no-audit", "--no-fund", ...specs], project);
    // These projects say nothing of ES modules.
    const manifest = path.join(project, "package.json");
    const { type: _, ...rest } = JSON.parse(fs.readFileSync(manifest, "utf8"));
    fs.writeFileSync(manifest, JSON.stringify(rest));
    fs.cpSync(path.join(consumers, "builds"), project, { recursive: true });
  });
  await step("bundles of a server, and test runners", async () =>
    console.log((await run(process.execPath, ["builds.mjs"], { cwd: project })).trimEnd()),
  );
  console.log(`${passed} checks of the package passed`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}

/** @param {string} program */
function consumerConfig(program) {
  return JSON.stringify({
    compilerOptions: {
      target: "ES2022",
      module: "NodeNext",
      lib: ["ES2023", "DOM"],
      types: ["node"],
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      skipLibCheck: true,
    },
    include: [program],
  });
}
