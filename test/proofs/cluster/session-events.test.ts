import { once } from "node:events";
import { describe, expect, test } from "@jest/globals";
import type {
  SessionChangeEvent,
  SessionEndEvent,
  SessionError,
  SessionInvalidEvent,
  SessionStartEvent,
  TokenSessions,
} from "../../../src/index.js";
import { outcome, useNodes } from "../../support/servers/nodes.js";
import { gotToken, next } from "../../support/servers/server.js";

// sessions.on(…): what an application hears, and that listening does no harm.

const nodes = useNodes();

/** Everything that is heard from now on, in order. */
function hear(sessions: TokenSessions): [string, unknown][] {
  const heard: [string, unknown][] = [];
  for (const name of ["sessionStart", "sessionChange", "sessionEnd", "sessionInvalid", "error"] as const)
    sessions.on(name, (event: unknown) => heard.push([name, event]));
  return heard;
}

/** Events are told in the next tick. */
const told = () => new Promise((resolve) => setImmediate(resolve));

test("the life of a session, from its start to its end", async () => {
  const node = await nodes.node();
  const heard = hear(node.sessions);
  const client = node.client({ auth: { token: "", client: { device: "Pixel 9" } } });
  const { token } = await gotToken(client);
  const sessionId = token.slice(0, 32);
  const { session } = node.io.sockets.sockets.get(client.id ?? "") ?? {};
  await session?.set({ a: 1, b: 1 });
  await session?.set("a", 1);
  await Promise.all([session?.set("a", 2), session?.delete("b"), session?.set("c", { d: 1 })]);
  await session?.update(() => {});
  await session?.clearSession();
  await session?.clearSession();
  await session?.destroy();
  await told();
  expect(heard).toEqual([
    ["sessionStart", { sessionId, client: { device: "Pixel 9" } }],
    ["sessionChange", { sessionId, keys: ["a", "b"] }],
    ["sessionChange", { sessionId, keys: ["a", "c", "b"] }],
    ["sessionChange", { sessionId, keys: ["a", "c"] }],
    ["sessionEnd", { sessionId, reason: "destroyed" }],
  ]);
  // Neither token nor values.
  expect(JSON.stringify(heard)).not.toContain(token.slice(33));
});

test("coming back is no start", async () => {
  const node = await nodes.node();
  const { token } = await node.connect();
  await told();
  const heard = hear(node.sessions);
  await node.connect(token);
  await told();
  expect(heard).toEqual([]);
});

test("another server's write is told here once, when it is noticed", async () => {
  const [one, other] = [await nodes.node(), await nodes.node()];
  const here = await one.connect();
  const there = await other.connect(here.token);
  await told();
  const heard = hear(other.sessions);
  await here.session.set("n", 1);
  await there.session.reload();
  await there.session.reload();
  await there.session.set("m", 1);
  await told();
  expect(heard).toEqual([
    ["sessionChange", { sessionId: here.id, keys: ["n"] }],
    ["sessionChange", { sessionId: here.id, keys: ["m"] }],
  ]);
});

describe("sessionInvalid", () => {
  test("has a reason, and an id only where the token claims one", async () => {
    const node = await nodes.node();
    const { token, id } = await node.connect();
    const expired = await node.connect();
    expired.client.disconnect();
    await next(expired.socket, "disconnect");
    await nodes.database.pool.query("update session set expires = 1 where sessionId = ?", [expired.id]);
    await told();
    const heard = hear(node.sessions);
    const wrongSecret = `${token.slice(0, -4)}${token.endsWith("AAAA") ? "BBBB" : "AAAA"}`;
    for (const presented of ["nonsense", wrongSecret, expired.token]) {
      const message = await gotToken(node.client({ auth: { token: presented } }));
      expect(message.errors).toMatch(/^Session (Not Found|Expired)$/);
    }
    await told();
    expect(heard.filter(([name]) => name === "sessionInvalid")).toEqual([
      ["sessionInvalid", { reason: "malformed" }],
      ["sessionInvalid", { reason: "unknown", sessionId: id }],
      ["sessionInvalid", { reason: "expired", sessionId: expired.id }],
    ]);
    expect(heard.filter(([name]) => name === "sessionStart")).toHaveLength(3);
    expect(JSON.stringify(heard)).not.toContain("nonsense");
    expect(heard.filter(([name]) => name === "sessionEnd")).toEqual([]);
  });

  test("a first visit is none", async () => {
    const node = await nodes.node();
    const heard = hear(node.sessions);
    for (const token of ["", null]) await gotToken(node.client({ auth: { token } }));
    await told();
    expect(heard.map(([name]) => name)).toEqual(["sessionStart", "sessionStart"]);
  });
});

describe("error", () => {
  test("tells of each change that was not saved, waited for or not", async () => {
    const node = await nodes.node();
    const { session } = await node.connect();
    const heard = hear(node.sessions);
    void session.set("n", 1n as never);
    await outcome(session.set("n", () => {}));
    await told();
    const failed = heard.filter(([name]) => name === "error");
    expect(failed.map(([, error]) => (error as SessionError).code)).toEqual([
      "SESSION_VALUE_INVALID",
      "SESSION_VALUE_INVALID",
    ]);
  });

  test("without a listener throws nothing at the process", async () => {
    const node = await nodes.node();
    const { session } = await node.connect();
    expect(await outcome(session.set("n", 1n as never))).toBe("SESSION_VALUE_INVALID");
    await told();
    await session.set("n", 1);
    const quiet = () => {};
    node.sessions.on("error", quiet);
    node.sessions.off("error", quiet);
    void session.set("n", 1n as never);
    await told();
  });
});

test("a listener that throws or rejects is logged, and keeps no other from being called", async () => {
  const node = await nodes.node();
  const calls: string[] = [];
  const failure = new Error("a listener's");
  node.sessions.on("sessionStart", () => {
    throw failure;
  });
  node.sessions.once("sessionStart", async () => {
    await told();
    throw failure;
  });
  node.sessions.on("sessionStart", async ({ sessionId }) => {
    calls.push(sessionId);
    await (await node.sessions.find(sessionId))?.set("n", 1n as never);
  });
  const { id } = await node.connect();
  const lines = () =>
    node.log.lines.filter(({ text }) => text === "a listener of the event sessionStart failed");
  while (lines().length < 3) await told();
  expect(calls).toEqual([id]);
  expect(lines().map(({ level, err, code }) => [level, err ?? code])).toEqual(
    expect.arrayContaining([
      ["error", failure],
      ["error", failure],
      ["error", "SESSION_VALUE_INVALID"],
    ]),
  );
});

test("on, once and off, and node's own once, which leaves nothing behind", async () => {
  const node = await nodes.node();
  const calls: string[] = [];
  const always = ({ sessionId }: SessionStartEvent) => calls.push(`on ${sessionId}`);
  expect(node.sessions.on("sessionStart", always)).toBe(node.sessions);
  node.sessions.once("sessionStart", () => calls.push("once"));
  const awaited = once(node.sessions as never, "sessionStart");
  const first = await node.connect();
  expect(await awaited).toEqual([{ sessionId: first.id, client: null }]);
  const second = await node.connect();
  await told();
  node.sessions.off("sessionStart", always);
  await node.connect();
  await told();
  expect(calls).toEqual([`on ${first.id}`, "once", `on ${second.id}`]);
  void first.session.set("n", 1n as never);
  await told();
});

test("types: each event has its own object", () => {
  // Never run: that it compiles is the test.
  const typesOf = (sessions: TokenSessions) => {
    sessions
      .on("sessionStart", (event: SessionStartEvent) => event.client?.["device"])
      .once("sessionChange", (event: SessionChangeEvent) => event.keys.length)
      .on("sessionEnd", ({ reason }: SessionEndEvent) => reason === "revoked")
      .on("sessionInvalid", ({ sessionId, reason }: SessionInvalidEvent) => [sessionId?.length, reason])
      .off("error", (error: SessionError) => error.code);
    // @ts-expect-error There is no such event.
    sessions.on("sessionStarted", () => {});
    // @ts-expect-error There are no values in it.
    sessions.on("sessionChange", ({ values }) => values);
    sessions.on("sessionEnd", (event) => {
      // @ts-expect-error It cannot be changed.
      event.reason = "expired";
    });
  };
  expect(typesOf).toBeDefined();
});
