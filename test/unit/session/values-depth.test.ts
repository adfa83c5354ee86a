import { expect, test } from "@jest/globals";
import { Values } from "../../../src/session/values.js";

// JSON.parse takes any depth, JSON.stringify only what the stack has room for.
const deep = `${"[".repeat(30_000)}${"]".repeat(30_000)}`;
const data = `{"cart":"full","deep":${deep},"last":1}`;

/** What a step gives, or `"refused"`. */
function given<Result>(step: () => Result): Result | "refused" {
  try {
    return step();
  } catch {
    return "refused";
  }
}

test("values that cannot be taken apart are refused each time, and are not taken for fewer", () => {
  const values = given(() => Values.parse(data, "0".repeat(32)));
  if (values === "refused") return;
  given(() => values.has("last"));
  // What is asked second must not be answered from what the first look left behind: it would be written to
  // the row.
  const text = given(() => values.toText());
  expect(text === data || text === "refused").toBe(true);
});
