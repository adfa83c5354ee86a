import { existsSync, readdirSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { PROJECTS, selection } from "../../../scripts/jest/projects.js";
import { LONGEST } from "../../../scripts/jest/sequencer.js";
import { serverUrl } from "../../support/database/database.js";

test("each test file is in one project", () => {
  const files = readdirSync("test", { recursive: true, encoding: "utf8" })
    .map((file) => `test/${file.replaceAll("\\", "/")}`)
    .filter((file) => file.endsWith(".test.ts"));
  const inside = (file: string, folders: readonly string[]) =>
    folders.some((folder) => file.startsWith(`${folder}/`));
  const projectsOf = (file: string) =>
    Object.values(PROJECTS).filter(
      ({ folders, except = [] }) => inside(file, folders) && !inside(file, except),
    );
  expect(files.length).toBeGreaterThan(150);
  expect(files.filter((file) => projectsOf(file).length !== 1)).toEqual([]);
});

test("the files that begin first are there", () => {
  expect(LONGEST.filter((file) => !existsSync(file))).toEqual([]);
});

test("where tests run with one engine alone, none gets a database", () => {
  expect(serverUrl).toThrow(/none of them may use a database/);
});

test("a second engine leaves out those, and nothing where somebody says what to run", () => {
  expect(selection({ asked: [], isSecondEngine: true })).toEqual(["--selectProjects", "proofs", "database"]);
  expect(selection({ asked: ["test/unit"], isSecondEngine: true })).toEqual(["test/unit"]);
  expect(selection({ asked: [] })).toEqual([]);
});

test("the proofs alone, or some of them", () => {
  expect(selection({ asked: ["-t", "lost"], isProof: true })).toEqual([
    "-t",
    "lost",
    "--selectProjects",
    "proofs",
  ]);
});
