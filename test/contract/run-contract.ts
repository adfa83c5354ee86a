import { expect, test } from "@jest/globals";
import { type StoreHarness, storeContract } from "../../src/testing/index.js";

/** Runs every case of the contract on a store, one after the other. */
export function runContract(harness: () => StoreHarness): void {
  test.each(storeContract.map((each) => [each.name, each] as const))("%s", async (_, each) => {
    await expect(each.run(harness())).resolves.toBeUndefined();
  });
}
