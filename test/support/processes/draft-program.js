// @ts-check
// A process on the built package, run with `--expose-gc`: handlers of many sessions, each begun by work that
// began inside the one before, as a queue's worker does; then some that wait for ever, as for a client that
// has gone. Tells its parent how many of those sessions are still in memory.

import { withDraft } from "../../../dist/handle/with-draft.js";
import { memoryStore } from "../../../dist/index.js";
import { registryOf } from "../../../dist/registry/registry-of.js";
import { tokenSession } from "../../../dist/token-session.js";

const COUNT = 500;
const sessions = tokenSession({ store: memoryStore(), logger: false });
const registry = /** @type {NonNullable<ReturnType<typeof registryOf>>} */ (registryOf(sessions));
/** @type {WeakRef<object>[]} */
const seen = [];
let saved = 0;

/** @param {() => void} next begins inside the handler, and goes on when that is over */
async function handle(next) {
  const { session } = await registry.mint(null);
  seen.push(new WeakRef(session));
  await withDraft(session, (draft) => {
    Object.assign(draft.session ?? {}, { n: seen.length });
    setTimeout(next, 0);
  });
  saved++;
  registry.release(session);
}

/** @type {NodeJS.Timeout | undefined} */
let worker;
await new Promise((resolve, reject) => {
  const begin = () => {
    if (seen.length < COUNT) return void handle(begin).catch(reject);
    // The last of that work goes on and on, and so does whatever it holds.
    worker = setInterval(() => {}, 60_000);
    resolve(undefined);
  };
  begin();
});
while (saved < COUNT) await new Promise((resolve) => setImmediate(resolve));

/** @type {WeakRef<object>[]} */
const stuck = [];
for (let left = 100; left > 0; left--) {
  const { session } = await registry.mint(null);
  stuck.push(new WeakRef(session));
  await new Promise((resolve) => {
    void withDraft(session, () => {
      resolve(undefined);
      return new Promise(() => {});
    });
  });
  registry.release(session);
}

for (let run = 0; run < 2; run++) {
  await new Promise((resolve) => setImmediate(resolve));
  global.gc?.();
}
const alive = seen.filter((each) => each.deref()).length;
const stuckAlive = stuck.filter((each) => each.deref()).length;
clearInterval(worker);
await sessions.close();
process.send?.({ seen: seen.length, alive, stuckAlive });
process.disconnect();
