import { describe, expect, test } from "@jest/globals";
import { toSettings } from "../../../src/options.js";
import { Events } from "../../../src/registry/events.js";
import { type RowStanding, SessionRegistry } from "../../../src/registry/registry.js";
import { replaceSecret } from "../../../src/session/secret.js";
import { MemoryStore } from "../../../src/stores/memory.js";
import { generateToken } from "../../../src/token/token.js";
import { HandClock, settled } from "../../support/clock.js";
import { keptLog } from "../../support/log.js";

/** Rows as they were, until it catches up. */
class LateStore extends MemoryStore {
  reads = 0;
  #rows: Awaited<ReturnType<MemoryStore["load"]>> | undefined;

  async lag(sessionId: string): Promise<void> {
    this.#rows = await super.load([sessionId]);
  }

  catchUp(): void {
    this.#rows = undefined;
  }

  override async load(sessionIds: readonly string[]) {
    this.reads++;
    return this.#rows ?? super.load(sessionIds);
  }
}

async function setUp() {
  const clock = new HandClock();
  const settings = toSettings({ store: () => store, clock, logger: keptLog() });
  const store = new LateStore(settings, clock);
  const events = new Events(settings.log);
  const first = new SessionRegistry(settings, store, new Events(settings.log));
  const second = new SessionRegistry(settings, store, events);
  const { session, token } = await first.mint(null);
  /** Another node gives the session a new secret. */
  const rotate = async () => {
    const next = generateToken(token.sessionId);
    await session.edit((values) => {
      values.identity = replaceSecret(values.identity, next.secretHash);
    });
    return next;
  };
  return { clock, store, events, second, session, token, rotate };
}

describe("a secret that the row does not know", () => {
  test("is looked for again, and opens the session when the row knows it", async () => {
    const { clock, store, second, token, rotate } = await setUp();
    await store.lag(token.sessionId);
    const next = await rotate();
    const opening = second.open(next);
    await settled();
    clock.advance(250);
    await settled();
    store.catchUp();
    clock.advance(500);
    expect(await opening).toMatchObject({ found: "session", session: { id: token.sessionId } });
  });

  test("is unknown after two seconds, and the session's turn is free meanwhile", async () => {
    const { clock, store, events, second, session, token } = await setUp();
    const reasons: string[] = [];
    events.subscribe("on", "sessionInvalid", ({ reason }: { reason: string }) => void reasons.push(reason));
    const { session: there } = (await second.open(token)) as { session: typeof session };
    store.reads = 0;
    const opening = second.open(generateToken(token.sessionId));
    await settled();
    for (const key of ["one", "two"]) await there.set([[key, "1"]]);
    clock.advance(1_999);
    await settled();
    expect(reasons).toEqual([]);
    expect(await clock.advanceUntil(opening)).toEqual({ found: "nothing", missing: false });
    expect([reasons, store.reads]).toEqual([["unknown"], 4]);
  });

  test("that the row has replaced is over at once, and so is each of a session that has expired", async () => {
    const { clock, store, second, token, rotate } = await setUp();
    await rotate();
    expect(await second.open(token)).toEqual({ found: "nothing", missing: false, isRetired: true });
    clock.advance(40 * 86_400_000);
    store.reads = 0;
    expect(await second.open(generateToken(token.sessionId))).toEqual({ found: "nothing", missing: false });
    expect(store.reads).toBe(1);
  });

  test("is looked for with a thousand others; of more it cannot be said whether they open something", async () => {
    const { clock, second, token } = await setUp();
    const some = Array.from({ length: 1_000 }, () => second.open(generateToken(token.sessionId)));
    await settled();
    await expect(second.open(generateToken(token.sessionId))).rejects.toMatchObject({
      code: "SESSION_QUEUE_FULL",
    });
    await clock.advanceUntil(Promise.all(some));
    const again = second.open(generateToken(token.sessionId));
    expect(await clock.advanceUntil(again)).toEqual({ found: "nothing", missing: false });
  });

  test("is not looked for any more once it is closed", async () => {
    const { clock, second, token } = await setUp();
    const opening = second.open(generateToken(token.sessionId));
    await settled();
    await second.close();
    clock.advance(2_000);
    await expect(opening).rejects.toMatchObject({ code: "SESSION_CLOSED" });
  });
});

test("a socket that is recovered is found by what the row does not know yet", async () => {
  const { clock, store, second, token, rotate } = await setUp();
  await store.lag(token.sessionId);
  const { secretHash } = await rotate();
  const judge = (row: { secretHash: Uint8Array | null }): RowStanding =>
    Buffer.compare(row.secretHash ?? Buffer.alloc(0), secretHash) === 0 ? "open" : "unknown";
  const opening = second.reopen(token.sessionId, judge);
  await settled();
  store.catchUp();
  expect(await clock.advanceUntil(opening)).toMatchObject({ found: "session" });
});
