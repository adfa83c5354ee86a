import { describe, expect, test } from "@jest/globals";
import { MemoryStore } from "express-session";
import { lifeAfterTouch } from "../../../src/row/expiration.js";
import { type SessionStore, StoreFault } from "../../../src/store.js";
import { fromConnectStore } from "../../../src/stores/express-session-backend/from-connect-store.js";
import { attemptOn, insertSession, loadRow, newSession } from "../../../src/testing/fixtures.js";
import { contractSettings } from "../../../src/testing/index.js";
import { HandClock, settled } from "../../support/clock.js";
import { expectOptionRefused } from "../../support/options.js";
import { changeRow, recordOf } from "../../support/stores/express-session-backend.js";
import { HeldStore } from "../../support/stores/held-store.js";

// What becomes of an operation whose Connect store does not answer, answers late, or with an error.

const HALF_MS = contractSettings.storeTimeout * 500;

function setUp() {
  const clock = new HandClock();
  const held = new HeldStore();
  const store = fromConnectStore(held, { clock })(contractSettings);
  return { clock, held, store };
}

/** The kind of fault that a promise is rejected with, and its message. */
async function fault(answer: Promise<unknown>): Promise<{ kind: string; message: string }> {
  const error = await answer.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof StoreFault)) throw new Error(`not a StoreFault: ${String(error)}`);
  return { kind: error.kind, message: error.message };
}

const LATE = "Connect store: no answer in time";

describe("a callback that never comes", () => {
  test("a read is given up after half of storeTimeout, and not a moment before", async () => {
    const { clock, held, store } = setUp();
    held.hold("get");
    let isOver = false;
    const answer = fault(store.load([newSession().sessionId])).finally(() => {
      isOver = true;
    });
    clock.advance(HALF_MS - 1);
    await settled();
    expect(isOver).toBe(false);
    clock.advance(1);
    expect(await answer).toEqual({ kind: "not-applied", message: LATE });
  });

  test("a write whose read is late surely has no effect, however late the read comes", async () => {
    const { clock, held, store } = setUp();
    const row = await insertSession(store);
    const answerRead = held.hold("get");
    const answer = fault(store.write([attemptOn(row)]));
    await settled();
    clock.advance(HALF_MS);
    expect(await answer).toEqual({ kind: "not-applied", message: LATE });
    held.calls.length = 0;
    answerRead();
    await settled();
    expect(held.calls).toEqual([]);
    expect((await loadRow(store, row.sessionId)).revision).toBe(row.revision);
  });

  test("a write that was sent may have been applied", async () => {
    const { clock, held, store } = setUp();
    const row = await insertSession(store);
    held.hold("set");
    const answer = fault(store.write([attemptOn(row)]));
    await settled();
    clock.advance(HALF_MS);
    expect(await answer).toEqual({ kind: "unknown", message: LATE });
  });

  test("the next write of that session waits for it, and finds what it wrote; others do not wait", async () => {
    const { clock, held, store } = setUp();
    const [row, other] = [await insertSession(store), await insertSession(store)];
    const late = attemptOn(row);
    const answerSet = held.hold("set");
    const given = fault(store.write([late]));
    await settled();
    clock.advance(HALF_MS);
    await given;
    const following = store.write([attemptOn({ ...row, revision: late.revision })]);
    expect(await store.write([attemptOn(other)])).toEqual([true]);
    answerSet();
    expect(await following).toEqual([true]);
  });

  test("one that waits for its turn too long surely has no effect", async () => {
    const { clock, held, store } = setUp();
    const row = await insertSession(store);
    held.hold("set");
    const first = fault(store.write([attemptOn(row)]));
    await settled();
    clock.advance(HALF_MS - 1);
    const second = fault(store.delete([row.sessionId]));
    clock.advance(1);
    expect((await first).kind).toBe("unknown");
    held.calls.length = 0;
    // When the first has let go, the second has been given up as well.
    clock.advance(HALF_MS - 1);
    expect((await second).kind).toBe("not-applied");
    clock.advance(1);
    await settled();
    expect(held.calls).toEqual([]);
    await loadRow(store, row.sessionId);
  });

  test("after storeTimeout nobody waits for it any longer", async () => {
    const { clock, held, store } = setUp();
    const row = await insertSession(store);
    held.hold("set");
    const first = fault(store.write([attemptOn(row)]));
    await settled();
    clock.advance(HALF_MS);
    await first;
    const second = store.write([attemptOn(row)]);
    await settled();
    clock.advance(HALF_MS);
    expect(await Promise.allSettled([second])).toMatchObject([{ reason: { kind: "not-applied" } }]);
    expect(await store.write([attemptOn(row)])).toEqual([true]);
  });
});

describe("errors", () => {
  const failing = (error: unknown) => (done: (error: unknown) => void) => done(error);
  const methods = {
    insert: (store: SessionStore) => store.insert([newSession()]),
    write: async (store: SessionStore, row: Parameters<typeof attemptOn>[0]) => store.write([attemptOn(row)]),
    touch: (store: SessionStore, { sessionId }: { sessionId: string }) =>
      store.touch([sessionId], { beginVisit: true }),
    delete: (store: SessionStore, { sessionId }: { sessionId: string }) => store.delete([sessionId]),
  };

  test.each(Object.entries(methods))(
    "%s: before it has sent anything surely no effect, then unknown",
    async (name, run) => {
      const { held, store } = setUp();
      const row = await insertSession(store);
      held.replace("get", failing(new Error("boom")));
      expect((await fault(run(store, row))).kind).toBe("not-applied");
      held.replace(name === "delete" ? "destroy" : "set", failing(new Error("boom")));
      expect((await fault(run(store, row))).kind).toBe("unknown");
    },
  );

  test.each([
    ["a code", Object.assign(new Error("secret"), { code: "ECONNRESET" }), "ECONNRESET"],
    ["a name", new RangeError("secret"), "RangeError"],
    ["a code that is a message", Object.assign(new TypeError("secret"), { code: "a secret" }), "TypeError"],
    ["no error at all", "secret", "string"],
  ])("the fault has %s, never the message", async (_, error, reason) => {
    const { held, store } = setUp();
    held.replace("get", failing(error));
    expect((await fault(store.load([newSession().sessionId]))).message).toBe(`Connect store: ${reason}`);
  });

  test("a promise that is rejected counts, one that resolves does not: only the callback says what there is", async () => {
    const { clock, held, store } = setUp();
    const row = await insertSession(store);
    held.replace("get", () => Promise.reject(new RangeError()));
    expect((await fault(store.load([row.sessionId]))).message).toMatch(/RangeError/);
    held.replace("get", () => Promise.resolve());
    const answer = fault(store.load([row.sessionId]));
    await settled();
    clock.advance(HALF_MS);
    expect((await answer).message).toBe(LATE);
  });

  test("a method that throws", async () => {
    const { held, store } = setUp();
    held.replace("get", () => {
      throw new RangeError();
    });
    expect((await fault(store.load([newSession().sessionId]))).message).toMatch(/RangeError/);
  });

  test("a file that is not there is a session that is not there; a socket that is not there is not", async () => {
    const { held, store } = setUp();
    const noFile = Object.assign(new Error(), { code: "ENOENT", syscall: "open" });
    held.replace("get", failing(noFile));
    expect(await store.load([newSession().sessionId])).toEqual([]);
    held.replace("get", failing(Object.assign(new Error(), { code: "ENOENT", syscall: "connect" })));
    expect((await fault(store.load([newSession().sessionId]))).kind).toBe("not-applied");
  });

  test("of a list: without effect only where that is true of every entry", async () => {
    const { held, store } = setUp();
    const rows = [await insertSession(store), await insertSession(store)];
    const attempts = rows.map((row) => attemptOn(row));
    held.replace("get", failing(new Error()));
    expect((await fault(store.write(attempts))).kind).toBe("unknown");
    const revisions = await Promise.all(
      rows.map(async ({ sessionId }) => (await loadRow(store, sessionId)).revision),
    );
    expect(revisions).toEqual([rows[0]?.revision, attempts[1]?.revision]);
  });
});

test("who uses one Connect store in one process keeps clear of each other", async () => {
  const { held, store } = setUp();
  const other = fromConnectStore(held)(contractSettings);
  const row = await insertSession(store);
  const answers = await Promise.all([store, other, store, other].map((each) => each.write([attemptOn(row)])));
  expect(answers.flat().sort()).toEqual([false, false, false, true]);
});

describe("records", () => {
  test("the Connect store is told to keep one for an hour longer than the session lives", async () => {
    const { clock, held, store } = setUp();
    const forMs = (lifeAfterTouch(null, contractSettings) + 3600) * 1000;
    const row = await insertSession(store);
    const first = (await recordOf(held, row.sessionId))?.cookie;
    expect(first).toMatchObject({ originalMaxAge: forMs, maxAge: forMs });
    expect(Math.abs(Date.parse(first.expires) - Date.now() - forMs)).toBeLessThan(60_000);
    clock.advance(600_000);
    await store.write([attemptOn(row)]);
    expect((await recordOf(held, row.sessionId))?.cookie.maxAge).toBe(forMs - 600_000);
    await store.touch([row.sessionId], { beginVisit: false });
    expect((await recordOf(held, row.sessionId))?.cookie.maxAge).toBe(forMs);
  });

  test("one that somebody has broken is not there, and does not hinder others", async () => {
    const { held, store } = setUp();
    const [row, broken] = [await insertSession(store), await insertSession(store)];
    await changeRow(held, broken.sessionId, { writers: 7 });
    const ids = [broken.sessionId, row.sessionId];
    expect((await store.load(ids)).map(({ sessionId }) => sessionId)).toEqual([row.sessionId]);
    expect(await store.insert([newSession({ sessionId: broken.sessionId })])).toEqual([null]);
  });

  test("what is not ours is neither loaded, overwritten nor deleted", async () => {
    const { held, store } = setUp();
    const { sessionId } = newSession();
    const foreign = { cookie: { originalMaxAge: null }, cart: [1] };
    await new Promise((resolve) => held.set(sessionId, foreign as never, resolve));
    expect(await store.load([sessionId])).toEqual([]);
    expect(await store.insert([newSession({ sessionId })])).toEqual([null]);
    await store.delete([sessionId]);
    expect(await recordOf(held, sessionId)).toEqual(foreign);
  });

  test("a row under another id than its own is not there", async () => {
    const { held, store } = setUp();
    const [row, { sessionId }] = [await insertSession(store), newSession()];
    const record = await recordOf(held, row.sessionId);
    await new Promise((resolve) => held.set(sessionId, record as never, resolve));
    expect(await store.load([sessionId])).toEqual([]);
  });
});

describe("check", () => {
  test("leaves nothing behind", async () => {
    const { held, store } = setUp();
    await store.check?.();
    expect(Object.keys((held as unknown as { sessions: object }).sessions)).toEqual([]);
  });

  test("finds out that a store does not give back what it was given", async () => {
    class Forgetful extends MemoryStore {
      override get(sid: string, done: (error: unknown, session?: never) => void) {
        super.get(sid, (error, session) => {
          const text = JSON.stringify(session ?? null).replace("\u{1f600}", "?");
          done(error, JSON.parse(text));
        });
      }
    }
    const store = fromConnectStore(new Forgetful())(contractSettings);
    await expect(store.check?.()).rejects.toMatchObject({ code: "SESSION_STORE_FAILED" });
  });
});

describe("fromConnectStore refuses", () => {
  test.each([
    ["nothing", undefined, /not undefined/],
    ["null", null, /not null/],
    ["a store factory", () => {}, /not function/],
    ["an object without the methods", { get() {}, destroy: 1 }, /without set, destroy/],
  ])("%s", (_, store, message) => {
    expectOptionRefused(() => fromConnectStore(store as never), message);
  });

  test.each([
    ["an unknown option", { lastWriteWin: true }, /no option "lastWriteWin"/],
    ["a wrong value", { lastWriteWins: 1 }, /true or false/],
    ["no object", null, /an object/],
  ])("%s", (_, options, message) => {
    expectOptionRefused(() => fromConnectStore(new MemoryStore(), options as never), message);
  });
});
