import { existsSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { selection, WITHOUT_DATABASE } from "../../../scripts/test-selection.js";
import { serverUrl } from "../../support/database/database.js";

test("where tests run with one engine alone, none gets a database", () => {
  expect(serverUrl).toThrow(/^Tests in test\/unit .* none of them may use a database/);
  for (const folder of WITHOUT_DATABASE) expect([folder, existsSync(folder)]).toEqual([folder, true]);
});

test("a second engine leaves out those, and nothing where somebody says what to run", () => {
  const without = WITHOUT_DATABASE.map((folder) => `--testPathIgnorePatterns=/${folder}/`);
  expect(selection({ asked: [], isSecondEngine: true })).toEqual(without);
  expect(selection({ asked: ["test/unit"], isSecondEngine: true })).toEqual(["test/unit"]);
  expect(selection({ asked: [] })).toEqual([]);
});
