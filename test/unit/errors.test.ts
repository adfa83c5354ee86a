import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "@jest/globals";
import { markdownFiles } from "../../scripts/checks/markdown.js";
import { errorTexts, SessionError, toSessionError } from "../../src/errors.js";

test.each(["docs/errors.md", "README.md"])("%s lists exactly the codes that there are", (file) => {
  const text = readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
  const listed = [...text.matchAll(/^\| `(SESSION_[A-Z_]+)` /gm)].map(([, code]) => code);
  expect([...listed].sort()).toEqual(Object.keys(errorTexts).sort());
});

test("pages and sources name no code that is not there, and the sources raise each", () => {
  const project = fileURLToPath(new URL("../..", import.meta.url));
  const namedIn = (files: readonly string[], pattern: RegExp) =>
    files.flatMap((file) => readFileSync(path.join(project, file), "utf8").match(pattern) ?? []);
  const sources = readdirSync(path.join(project, "src"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && name !== "errors.ts")
    .map((name) => path.join("src", name));
  const codes = Object.keys(errorTexts);
  const named = namedIn([...markdownFiles(project), ...sources], /(?<=["`])SESSION_[A-Z_]+(?=["`])/g);
  expect(named.filter((code) => !codes.includes(code))).toEqual([]);
  const raised = namedIn(sources, /(?<=")SESSION_[A-Z_]+(?=")/g);
  expect(codes.filter((code) => !raised.includes(code))).toEqual([]);
});

test("an unknown error keeps its message to itself", () => {
  const error = toSessionError(new RangeError("Duplicate entry 'secret' for key"));
  expect(error.code).toBe("SESSION_STORE_FAILED");
  expect(error.message).not.toContain("secret");
  const own = new SessionError("SESSION_ENDED");
  expect(toSessionError(own)).toBe(own);
});
