import { expect, test } from "@jest/globals";
import { toIdleSeconds } from "../../../src/row/expiration.js";
import { LONGEST } from "../../../src/store.js";
import { toAdoptedRow } from "../../../src/stores/express-session-backend/record.js";

test.each([
  [1_500, 2],
  [1, 1],
  [0, 0],
  [-5_000, 0],
  [Number.POSITIVE_INFINITY, LONGEST],
  [Number.NaN, null],
  [null, null],
  [undefined, null],
  ["60000", null],
])("a maxAge of %p ms is an idle time of %p s", (maxAge, seconds) => {
  expect(toIdleSeconds(maxAge)).toBe(seconds);
});

test("a record of express-session whose maxAge is 0 is over, and not one that ends with the browser", () => {
  const adopt = (originalMaxAge: unknown) =>
    toAdoptedRow(
      { cookie: { originalMaxAge } },
      { text: "x", sessionId: "0".repeat(32), secretHash: new Uint8Array(32) },
      1_000,
      {
        expiration: 60,
        absoluteExpiration: 3_600,
      },
    );
  expect(adopt(0)).toBeUndefined();
  expect(adopt(null)?.expires).toBe(1_060);
  expect(adopt(5_000)).toMatchObject({ expires: 1_005, idleSeconds: 5 });
});
