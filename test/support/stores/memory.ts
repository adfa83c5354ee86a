import type { Clock } from "../../../src/base/clock.js";
import type { StoreFactory } from "../../../src/index.js";
import { MemoryStore } from "../../../src/stores/memory.js";

/** A memory store in the hands of a test, which may make single methods of it fail. */
export function brittleStore(clock?: Clock): { factory: StoreFactory; readonly store: MemoryStore } {
  let store: MemoryStore | undefined;
  return {
    factory(settings) {
      store = new MemoryStore(settings, clock);
      return store;
    },
    get store() {
      if (!store) throw new Error("nobody has opened the store yet");
      return store;
    },
  };
}
