import { readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { sizesTable } from "../../../scripts/build/client-sizes.js";

// That none is too large, the build has seen to.
test("the README states the sizes of the client as it is built", () => {
  const table = (text: string) =>
    text.split("\n").filter((line) => /^\| `(index|socket|adapters)/.test(line));
  const stated = table(readFileSync("README.md", "utf8"));
  expect(stated.map((line) => line.replace(/ +/g, " "))).toEqual(table(sizesTable()));
});
