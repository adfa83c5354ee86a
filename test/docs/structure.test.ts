import path from "node:path";
import { afterEach, expect, test } from "@jest/globals";
import { capture } from "../../scripts/processes.js";
import { type SmallProject, writeProject } from "../support/processes/small-project.js";

const files = {
  "src/index.ts": 'export { handle } from "./handle/handle.js";\nexport type { Row } from "./store.js";\n',
  "src/store.ts": "export interface Row { id: string }\n",
  "src/wire.ts": "export interface Message { token: string }\n",
  "src/handle/handle.ts": 'import { open } from "../registry/open.js";\nexport const handle = open;\n',
  "src/registry/open.ts":
    'import type { Row } from "../store.js";\nexport const open = (row: Row) => row.id;\n',
  "client/index.ts":
    'import type { Message } from "../src/wire.js";\nexport const read = (message: Message) => message.token;\n',
};

let project: SmallProject | undefined;
afterEach(() => project?.remove());

/** Checks a project that has these texts more, each at the beginning of its file. */
async function check(more: Readonly<Record<string, string>> = {}) {
  const all: Record<string, string> = { ...files };
  for (const [file, text] of Object.entries(more)) all[file] = `${text}\n${all[file] ?? ""}`;
  project = writeProject(all);
  return capture(process.execPath, [path.resolve("scripts/checks/check-structure.js"), project.folder]);
}

test("imports that run down the list are as they should be", async () => {
  expect(await check()).toEqual({ code: 0, stdout: expect.stringMatching(/^6 files, 0 faults/), stderr: "" });
});

test.each([
  [
    "a type from further up",
    "src/registry/open.ts",
    'import type { handle } from "../handle/handle.js";',
    "registry-looks-down: src/registry/open.ts -> src/handle/handle.ts",
  ],
  [
    "a circle, of types",
    "src/store.ts",
    'export type { open } from "./registry/open.js";',
    "no-circle: src/registry/open.ts -> src/store.ts -> src/registry/open.ts",
  ],
  [
    "the server in the client",
    "client/index.ts",
    'export type { Row } from "../src/store.js";',
    "client-apart: client/index.ts -> src/store.ts",
  ],
  [
    "a type in an expression",
    "src/store.ts",
    'export type Handle = typeof import("./handle/handle.js").handle;',
    "store-looks-down: src/store.ts -> src/handle/handle.ts",
  ],
  [
    "a file that is not there",
    "src/store.ts",
    'export { gone } from "./gone.js";',
    "no-lost-import: src/store.ts -> ./gone.js",
  ],
])("%s is found", async (_what, file, line, fault) => {
  const { code, stderr } = await check({ [file]: line });
  expect(code).toBe(1);
  expect(stderr).toContain(fault);
});

test("so are a folder without a floor, and a crowded root", async () => {
  const many = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`src/more-${n}.ts`, "export {};"]));
  const { code, stderr } = await check({
    ...many,
    "src/attic/old.ts": 'import { open } from "../registry/open.js";\nexport const old = open;',
    "src/index.ts": 'export { old } from "./attic/old.js";',
  });
  expect(code).toBe(1);
  expect(stderr).toContain("no-unknown-folder: src/index.ts -> src/attic/old.ts");
  expect(stderr).toContain("crowded-root: src/ has 13 files of its own");
});

test("so are a long file and a wide comment", async () => {
  const { code, stderr } = await check({
    "src/store.ts": "// one\n".repeat(330),
    "src/wire.ts": `  // ${"wide ".repeat(22)}`,
  });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^long-file: src\/store\.ts has 332 lines, at most 330/m);
  expect(stderr).toMatch(/^wide-comment: src\/wire\.ts:1 is wider than 110 columns/m);
});
