import { expect, test } from "@jest/globals";
import { Values } from "../../src/values.js";

test("values that cannot be taken apart are not taken for none", () => {
  const deep = `${"[".repeat(30_000)}${"]".repeat(30_000)}`;
  const data = `{"cart":"full","deep":${deep},"last":1}`;
  let values: Values;
  try {
    values = Values.parse(data, "0".repeat(32));
  } catch (error) {
    expect(error).toMatchObject({ code: "SESSION_DATA_INVALID" });
    return;
  }
  try {
    values.has("last");
  } catch {
    // The application is told; what is in the row must not be lost by the next write.
  }
  expect(values.toText()).toBe(data);
});
