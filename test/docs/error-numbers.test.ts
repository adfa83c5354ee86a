import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "@jest/globals";
import { ERRORS } from "../../src/stores/mysql/errors-by-number.js";

test("docs/operations.md has the table of error numbers, line by line", () => {
  const text = readFileSync(path.join(import.meta.dirname, "../../docs/operations.md"), "utf8");
  const documented = text.split("\n").filter((line) => /^\| \d{4} \|/.test(line));
  const lines = [...ERRORS].map(([errno, { name, kind, drop, meaning }]) => {
    const title = name.startsWith("(") ? name : `\`${name}\``;
    return `| ${errno} | ${title} | ${kind.replace("-", " ")} | ${drop ? "closed" : "kept"} | ${meaning} |`;
  });
  expect(documented).toEqual(lines);
});
