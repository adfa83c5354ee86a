import { describe, test } from "@jest/globals";
import { simulateRotations } from "../../support/rotation-simulation.js";

// With the other rate of loss, which is in a file of its own so that both can run at the same time: 5000
// devices, in ten worlds.

describe("devices with 20 rotations each log nobody out and raise no alarm where 20 % of messages are lost", () => {
  test.each(Array.from({ length: 5 }, (_, n) => n + 101))("500 of them, seed %d", (seed) =>
    simulateRotations({ devices: 500, lossRate: 0.2, seed }),
  );
});
