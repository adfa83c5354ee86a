import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { afterAll, expect, test } from "@jest/globals";

// docs/testing.md shows an application and its test, which are run here as they are printed, on the built package.

const folder = path.join(import.meta.dirname, "../..");
// Within the project, so that the package resolves by its name.
const place = path.join(folder, ".cache", `docs-testing-${process.pid}`);

afterAll(() => fs.rmSync(place, { recursive: true, force: true }));

test("the test that docs/testing.md shows passes", () => {
  const page = fs.readFileSync(path.join(folder, "docs/testing.md"), "utf8");
  const files = [...page.matchAll(/```js\n\/\/ (\S+)\n(.*?)```/gs)];
  expect(files.map(([, name]) => name)).toEqual(["server.mjs", "server.test.mjs"]);
  fs.mkdirSync(place, { recursive: true });
  for (const [, name, text] of files) fs.writeFileSync(path.join(place, name ?? ""), text ?? "");
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--test"], {
    cwd: place,
    env,
    encoding: "utf8",
  });
  expect({ status, said: status === 0 ? "" : stdout + stderr }).toEqual({ status: 0, said: "" });
  expect(stdout).toMatch(/# pass 3\b/);
}, 120_000);
