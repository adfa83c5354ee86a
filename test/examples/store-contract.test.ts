import fs from "node:fs";
import path from "node:path";
import { expect, test } from "@jest/globals";
import { capture } from "../../scripts/processes.js";
import { storeContract } from "../../src/testing/index.js";
import { blocksOf } from "../support/processes/printed-program.js";

// The store of docs/stores.md and its test, as printed, on the built package.

test("the store of docs/stores.md keeps the whole contract", async () => {
  const program = blocksOf("docs/stores.md").find((block) => block.includes("storeContract"));
  // Below the project, so that it finds the package by its name.
  const cache = path.resolve(".cache");
  fs.mkdirSync(cache, { recursive: true });
  const folder = fs.mkdtempSync(path.join(cache, "printed-"));
  try {
    const file = path.join(folder, "store.test.mjs");
    fs.writeFileSync(file, program ?? "");
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const { code, stdout } = await capture(process.execPath, ["--test", "--test-reporter=tap", file], {
      env,
    });
    expect(stdout).toMatch(new RegExp(`^# pass ${storeContract.length}$`, "m"));
    expect(stdout).toMatch(/^# fail 0$/m);
    expect(code).toBe(0);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
});
