import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";
import { ERRORS } from "../../src/stores/mysql/errors-by-number.js";
import { LISTED_NUMBERS } from "./database/error-numbers.js";
import { MUTANTS } from "./mutants/list.js";

const run = promisify(execFile);

/** The simulator in a process of its own: it needs the real turns of an event loop that nobody else uses. */
async function simulate(...args: string[]): Promise<{ code: number; stdout: string }> {
  try {
    const { stdout } = await run(process.execPath, [
      "test/simulation/simulate.js",
      "--workers",
      "1",
      ...args,
    ]);
    return { code: 0, stdout };
  } catch (error) {
    const { code, stdout } = error as { code: number; stdout: string };
    return { code, stdout };
  }
}

test("each seed is the same run whenever it is run, and nothing is found", async () => {
  const { code, stdout } = await simulate("--seeds", "30", "--twice");
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining("0 with findings") });
});

test("what was found once is not found again", async () => {
  expect(await simulate("--stories")).toEqual({ code: 0, stdout: expect.anything() });
});

test("the simulator catches a product that counts an unclear answer as no effect", async () => {
  const { code, stdout } = await simulate(
    "--mutant",
    "unclear answer counts as not applied",
    "--seeds",
    "300",
  );
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining("caught after") });
});

test("each mutant changes a text that is in its file once", () => {
  const lost = MUTANTS.filter(({ file, from }) => readFileSync(file, "utf8").split(from).length !== 2);
  expect(lost.map(({ name }) => name)).toEqual([]);
});

test("each error number that the product knows is met", () => {
  expect([...LISTED_NUMBERS].sort((one, other) => one - other)).toEqual([...ERRORS.keys()]);
});
