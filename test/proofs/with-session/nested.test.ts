import { describe, expect, test } from "@jest/globals";
import type { Socket } from "socket.io";
import type { SessionContext, SessionDraft } from "../../../src/index.js";
import { gate, outcome, useNodes } from "../../support/servers/nodes.js";
import { gotToken, next } from "../../support/servers/server.js";

// socket.withSession inside a handler of its own, without a session, and as the compiler sees it.

const nodes = useNodes();

const count = ({ session }: SessionContext): number => {
  session["n"] = (session["n"] ?? 0) + 1;
  return session["n"];
};

describe("a call inside a handler", () => {
  test("joins its draft: awaited, not awaited, and on another socket of the session", async () => {
    const node = await nodes.node();
    const { socket, token, id } = await node.connect();
    const tab = await node.connect(token);
    const revisionBefore = (await nodes.row(id))?.revision;
    const revisions: unknown[] = [];
    await socket.withSession(async (context) => {
      context.session["n"] = 10;
      expect(await socket.withSession(count)).toBe(11);
      expect(context.session["n"]).toBe(11);
      expect(await tab.socket.withSession(count)).toBe(12);
      revisions.push((await nodes.row(id))?.revision);
      void tab.socket.withSession(async (inner) => {
        await new Promise((resolve) => setImmediate(resolve));
        inner.session["late"] = await tab.socket.withSession(count);
      });
    });
    // Nothing was written before the outermost was done, and then all of it.
    expect(revisions).toEqual([revisionBefore]);
    expect((await nodes.row(id))?.data).toEqual({ n: 13, late: 13 });
  });

  test("that throws and is caught leaves the draft in use", async () => {
    const node = await nodes.node();
    const { socket, id } = await node.connect();
    await socket.withSession(async ({ session }) => {
      session["a"] = 1;
      const inner = socket.withSession(() => {
        throw new Error("inner");
      });
      expect(await outcome(inner)).toBe("inner");
      session["b"] = 1;
    });
    expect((await nodes.row(id))?.data).toEqual({ a: 1, b: 1 });
    const through = socket.withSession(async ({ session }) => {
      session["a"] = 2;
      await socket.withSession(() => {
        throw new Error("inner");
      });
    });
    expect(await outcome(through)).toBe("inner");
    expect((await nodes.row(id))?.data).toEqual({ a: 1, b: 1 });
  });

  test("after its handler is done waits for its own turn", async () => {
    const node = await nodes.node();
    const { socket, id } = await node.connect();
    const { opened, open } = gate();
    let late: Promise<number> | undefined;
    await socket.withSession((context) => {
      context.session["n"] = 1;
      // Carries the handler's context on, as a timer or an event listener would.
      late = opened.then(() => socket.withSession(count));
    });
    open();
    expect(await late).toBe(2);
    expect((await nodes.row(id))?.data).toEqual({ n: 2 });
  });

  test("of another session is a handler of its own", async () => {
    const node = await nodes.node();
    const mine = await node.connect();
    const theirs = await node.connect();
    await mine.socket.withSession(async ({ session }) => {
      session["who"] = "mine";
      await theirs.socket.withSession(async (inner) => {
        inner.session["who"] = "theirs";
        // Back to the first, from inside the other.
        expect(await mine.socket.withSession((back) => back.session["who"])).toBe("mine");
      });
    });
    expect((await nodes.row(mine.id))?.data).toEqual({ who: "mine" });
    expect((await nodes.row(theirs.id))?.data).toEqual({ who: "theirs" });
  });
});

describe("without a session", () => {
  async function lonely() {
    const node = await nodes.node();
    const client = node.client();
    await next(client, "connect");
    const socket = node.io.sockets.sockets.get(client.id ?? "");
    if (!socket) throw new Error("not connected");
    return { client, socket };
  }

  test("SESSION_MISSING, or what onMissing says", async () => {
    const { client, socket } = await lonely();
    expect(await outcome(socket.withSession(count))).toBe("SESSION_MISSING");
    const own = new RangeError("please log in");
    await expect(socket.withSession(count, own)).rejects.toBe(own);
    expect(await socket.withSession(count, () => "called")).toBe("called");
    expect(await socket.withSession(count, async () => "awaited")).toBe("awaited");
    await expect(socket.withSession(count, () => Promise.reject(own))).rejects.toBe(own);
    for (const value of [undefined, null, 0, "", { a: 1 }])
      expect(await socket.withSession(count, value)).toBe(value);
    const received = gotToken(client);
    client.emit("getToken", { token: "" });
    await received;
    expect(await socket.withSession(count, own)).toBe(1);
  });

  test("a handler that is no function is refused", async () => {
    const { socket } = await lonely();
    expect(await outcome(socket.withSession(7 as never))).toBe("SESSION_VALUE_INVALID");
  });

  test("on a namespace without token sessions: SESSION_NOT_ATTACHED", async () => {
    const node = await nodes.node({ handlers: (io) => void io.of("/plain") });
    const { client } = await node.connect();
    const plain = client.io.socket("/plain");
    const [socket] = (await next(node.io.of("/plain"), "connection").finally(() => plain)) as [
      SessionContext["socket"],
    ];
    expect(await outcome(socket.withSession(count, "none"))).toBe("SESSION_NOT_ATTACHED");
  });
});

/** Compiles only where the two types are the same. */
type Same<One, Other> =
  (<T>() => T extends One ? 1 : 2) extends <T>() => T extends Other ? 1 : 2 ? true : false;
function same<_ extends true>(): void {}

test("types: the result, and what onMissing adds to it", () => {
  // Never run: that it compiles is the test.
  const typesOf = async (socket: Socket) => {
    const plain = await socket.withSession(() => 7);
    same<Same<typeof plain, number>>();
    const later = await socket.withSession(async () => 7);
    same<Same<typeof later, number>>();
    const thrown = await socket.withSession(() => 7, new Error("log in"));
    same<Same<typeof thrown, number>>();
    const text = await socket.withSession(() => 7, "none");
    same<Same<typeof text, number | string>>();
    const nothing = await socket.withSession(() => 7, undefined);
    same<Same<typeof nothing, number | undefined>>();
    const called = await socket.withSession(
      () => 7,
      () => String(7),
    );
    same<Same<typeof called, number | string>>();
    const awaited = await socket.withSession(
      () => 7,
      async () => true,
    );
    same<Same<typeof awaited, number | boolean>>();
    await socket.withSession((context) => {
      same<Same<typeof context.session, SessionDraft>>();
      context.session = null;
      context.session = { n: 1 };
      // @ts-expect-error The values are an object.
      context.session = 7;
      // @ts-expect-error There is no other id to write to.
      context.sessionId = "";
    });
    // @ts-expect-error It takes a function.
    await socket.withSession(7);
  };
  expect(typesOf).toBeDefined();
});
