import assert from "node:assert/strict";
import type { SessionStore, StoreStats } from "../../store.js";
import { insertSession, newSession } from "../fixtures.js";
import type { StoreCase } from "../harness.js";
import { insertForUser, newUser } from "./for-user.js";

/** Cases of a store that estimates, as it has too many rows, hold it to nothing. */
export const statsCases: readonly StoreCase[] = [
  {
    name: "stats counts the rows that are alive, that have expired, and that somebody is logged in to",
    async run({ store, setTimes }) {
      const before = await store.stats?.();
      if (!before) return;
      await insertSession(store);
      await insertForUser(store, newUser());
      const expired = await insertForUser(store, newUser());
      await setTimes(expired.sessionId, { expires: expired.now });
      const deleted = await insertForUser(store, newUser());
      await store.delete([deleted.sessionId]);
      const after = await statsOf(store);
      if (after.sampled) return;
      assert.equal(after.alive, before.alive + 2, "alive");
      assert.equal(after.expired, before.expired + 1, "expired");
      assert.equal(after.loggedIn, before.loggedIn + 1, "loggedIn");
      assert.equal(after.rows, after.alive, "rows");
    },
  },
  {
    name: "stats has the bytes of values, and the time when the oldest living session began",
    async run({ store, setTimes }) {
      const before = await store.stats?.();
      if (!before || before.sampled) return;
      // Two bytes a character. So many of one length that half of all have it, and one longer than all.
      const usual = `{"text":"${"é".repeat(300)}"}`;
      const longest = `{"text":"${"é".repeat(before.bytes.max + 1000)}"}`;
      await store.insert(Array.from({ length: before.alive + 2 }, () => newSession({ data: usual })));
      await insertSession(store, { data: longest });
      const oldest = await insertSession(store, { data: usual });
      const expired = await insertSession(store, { data: `${longest} ` });
      await setTimes(oldest.sessionId, { createdAt: oldest.now - 6_000_000 });
      await setTimes(expired.sessionId, { createdAt: expired.now - 7_000_000, expires: expired.now });
      const { bytes, sampled, ...stats } = await statsOf(store);
      if (sampled) return;
      assert.equal(bytes.p50, Buffer.byteLength(usual), "bytes.p50");
      assert.equal(bytes.max, Buffer.byteLength(longest), "bytes.max");
      assert.ok(bytes.p50 <= bytes.p95 && bytes.p95 <= bytes.max, "bytes.p95");
      assert.equal(stats.oldest, oldest.now - 6_000_000, "oldest");
    },
  },
];

async function statsOf(store: SessionStore): Promise<StoreStats> {
  const stats = await store.stats?.();
  assert.ok(stats);
  return stats;
}
