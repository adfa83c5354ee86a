import { readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { errorTexts, SessionError, toSessionError } from "../../src/errors.js";

test.each(["docs/errors.md", "README.md"])("%s lists exactly the codes that there are", (file) => {
  const text = readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
  const listed = [...text.matchAll(/^\| `(SESSION_[A-Z_]+)` /gm)].map(([, code]) => code);
  expect([...listed].sort()).toEqual(Object.keys(errorTexts).sort());
});

test("an unknown error keeps its message to itself", () => {
  const error = toSessionError(new RangeError("Duplicate entry 'secret' for key"));
  expect(error.code).toBe("SESSION_STORE_FAILED");
  expect(error.message).not.toContain("secret");
  const own = new SessionError("SESSION_ENDED");
  expect(toSessionError(own)).toBe(own);
});
