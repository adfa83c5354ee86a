import fs from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { capture } from "../../scripts/processes.js";
import { type SmallProject, writeProject } from "../support/processes/small-project.js";

const files = {
  "package.json": JSON.stringify({
    name: "thing",
    version: "1.2.3",
    exports: {
      ".": { types: "./dist/index.d.ts", default: "./dist/index.js" },
      "./client/part": { types: "./dist/client/types/client/part.d.ts" },
      "./data/*": "./data/*",
    },
  }),
  "tsconfig.json": '{ "compilerOptions": { "strict": true, "types": [], "noEmit": true } }',
  "README.md": "# thing\n\n[More](docs/more.md#how)\n",
  "docs/more.md": "# More of it\n\n## How\n\n[Back](../README.md)\n",
  "src/index.ts": [
    "/** The thing. @module */",
    "/** What it takes. */",
    "export interface Options {",
    "  /** How many. */",
    "  count: number;",
    "}",
    "/** Makes it, of {@link Options}. */",
    "export function make(options: Options): number { return options.count; }",
  ].join("\n"),
  "client/part.ts": "/** A part. @module */\n/** Five. */\nexport const five = 5;\n",
};

const run = (script: string, ...args: string[]) =>
  capture(process.execPath, [path.resolve("scripts/checks", script), ...args]);

let project: SmallProject;
beforeEach(() => {
  project = writeProject(files);
});
afterEach(() => project.remove());

test("the reference has every entry by the name it is imported by, and the Markdown pages; its links are checked too", async () => {
  const made = await run("api-reference.js", project.folder);
  expect(made).toMatchObject({ code: 0, stderr: "" });
  const index = fs.readFileSync(path.join(project.folder, "docs/api/index.html"), "utf8");
  for (const name of ["thing - v1.2.3", ">thing<", ">thing/client/part<", ">README<", ">More of it<"])
    expect(index).toContain(name);

  expect(await run("check-links.js", project.folder)).toMatchObject({ code: 0, stderr: "" });
  project.edit("docs/api/functions/thing.make.html", "thing.Options.html", "thing.Optoins.html");
  const checked = await run("check-links.js", project.folder);
  expect(checked).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("thing.Optoins.html: no such file"),
  });
});

test("a link to nothing, a type that is not exported and a missing docstring fail it", async () => {
  project.edit("src/index.ts", "{@link Options}", "{@link Optoins}");
  project.edit("src/index.ts", "  /** How many. */\n", "");
  project.edit("src/index.ts", "/** The thing. @module */\n", "");
  project.edit("client/part.ts", "const five = 5", "const five: Five = 5;\n/** Hidden. */\ntype Five = 5");
  project.edit("docs/more.md", "../README.md", "../REAMDE.md");
  const { code, stdout, stderr } = await run("api-reference.js", project.folder);
  expect(code).toBe(1);
  const said = stdout + stderr;
  expect(said).toMatch(/resolve link to "Optoins"/);
  expect(said).toMatch(/thing\.Options\.count \(Property\).* does not have any documentation/);
  expect(said).toMatch(/thing \(Module\).* does not have any documentation/);
  expect(said).toMatch(/Five.* is referenced by thing\/client\/part\.five but not included/);
  expect(said).toMatch(/REAMDE\.md/);
});
