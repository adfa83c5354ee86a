import fs from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { capture } from "../../scripts/processes.js";
import { type SmallProject, writeProject } from "../support/processes/small-project.js";

const files = {
  "src/store.ts": "export interface Row { id: string }\n",
  "src/wire.ts": "export interface Message { token: string }\n",
  "src/token/token.ts": 'import type { Message } from "../wire.js";\nexport type Token = Message["token"];\n',
  "src/handle/handle.ts": 'import type { Token } from "../token/token.js";\nexport type Handle = Token;\n',
  "src/handle/draft.ts":
    'import type { Token } from "../token/token.js";\nimport type { Row } from "../store.js";\nexport type Draft = [Token, Row];\n',
  "client/index.ts": 'import type { Message } from "../src/wire.js";\nexport type Read = Message;\n',
  "docs/README.md": "# Pages\n",
};

let project: SmallProject;
beforeEach(() => {
  project = writeProject(files);
});
afterEach(() => project.remove());

const run = (...args: string[]) =>
  capture(process.execPath, [path.resolve("scripts/checks/structure-picture.js"), project.folder, ...args]);
const picture = () => fs.readFileSync(path.join(project.folder, "docs/structure.svg"), "utf8");

test("the picture has each folder, and how often it imports which", async () => {
  expect(await run("--write")).toMatchObject({ code: 0, stderr: "" });
  const [, description = ""] = /<desc[^>]*>\s*(.*?)\s*<\/desc>/s.exec(picture()) ?? [];
  expect(description.split(/\n */)).toEqual([
    "handle/: token/ 2; store 1.",
    "token/: errors, types, wire 1.",
    "store: nothing.",
    "client/: errors, types, wire 1.",
    "errors, types, wire: nothing.",
  ]);
  expect(picture().match(/class="imports/g)).toHaveLength(4);
  const drawn = picture();
  await run("--write");
  expect(picture()).toBe(drawn);
});

test("a picture that is missing, or has another number, is a fault", async () => {
  const stale = { code: 1, stderr: expect.stringContaining("`npm run draw:structure` draws it anew") };
  expect(await run()).toMatchObject(stale);
  await run("--write");
  expect(await run()).toMatchObject({ code: 0, stderr: "" });
  project.edit("src/token/token.ts", "import", 'import type { Row } from "../store.js";\nimport');
  expect(await run()).toMatchObject(stale);
});
