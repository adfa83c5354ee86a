import { describe, test } from "@jest/globals";
import { simulateRotations } from "../../support/rotation-simulation.js";

// As rotation-simulation.test.ts, with connections that stand still for seconds, so that a tab which waits
// overtakes the other one, whose new token arrives, is stored and is confirmed all the same.

describe("devices whose connections stand still log nobody out, and no login takes longer than 25 seconds", () => {
  test.each([
    [0, 201],
    [0, 202],
    [0.05, 203],
    [0.2, 204],
  ])("where a share of %d of messages is lost, seed %d", (lossRate, seed) =>
    simulateRotations({ devices: 300, lossRate, stallRate: 0.3, seed }),
  );
});
