import { describe, expect, test } from "@jest/globals";
import type { SessionContext } from "../../../src/index.js";
import { gate, outcome, useNodes } from "../../support/servers/nodes.js";
import { next } from "../../support/servers/server.js";

// socket.withSession(handler, onMissing?): one handler of a session at a time, on a draft that is saved by
// key.

const nodes = useNodes();

const count = ({ session }: SessionContext): number => {
  session["n"] = (session["n"] ?? 0) + 1;
  return session["n"];
};

describe("a handler", () => {
  test("changes a draft, which is saved by key; what it returns comes out", async () => {
    const node = await nodes.node();
    const { socket, session, id } = await node.connect();
    await session.set({ keep: 1, drop: 1, list: [1] });
    const result = await socket.withSession(async (context) => {
      expect(context.sessionId).toBe(id);
      expect(context.socket).toBe(socket);
      context.session["list"].push(2);
      delete context.session["drop"];
      context.session["__proto__x"] = { deep: true };
      await Promise.resolve();
      return "done";
    });
    expect(result).toBe("done");
    const data = { keep: 1, list: [1, 2], __proto__x: { deep: true } };
    expect((await nodes.row(id))?.data).toEqual(data);
    expect(session.toJSON()).toEqual(data);
  });

  test("that changes nothing writes nothing", async () => {
    const node = await nodes.node();
    const { socket, session, id } = await node.connect();
    await session.set("list", [1]);
    const before = await nodes.row(id);
    const result = await socket.withSession((context) => {
      context.session["list"] = [1];
      context.session["new"] = 1;
      delete context.session["new"];
      return context.session["list"];
    });
    expect(result).toEqual([1]);
    expect(await nodes.row(id)).toEqual(before);
  });

  test("runs alone: two tabs and fifty handlers count to fifty", async () => {
    const node = await nodes.node();
    const { socket, token, id } = await node.connect();
    const tab = await node.connect(token);
    let running = 0;
    const handler = async ({ session }: SessionContext) => {
      expect(++running).toBe(1);
      const n = session["n"] ?? 0;
      await new Promise((resolve) => setImmediate(resolve));
      session["n"] = n + 1;
      running--;
      return n;
    };
    const results: Promise<number>[] = [];
    for (let n = 0; n < 25; n++) results.push(socket.withSession(handler), tab.socket.withSession(handler));
    // In the order of asking, too.
    expect(await Promise.all(results)).toEqual(Array.from(results, (_, n) => n));
    expect((await nodes.row(id))?.data).toEqual({ n: 50 });
  });

  test("assigns another object to replace all values", async () => {
    const node = await nodes.node();
    const { socket, session, id } = await node.connect();
    await session.set({ a: 1, b: 2 });
    await socket.withSession((context) => {
      context.session = { b: 3, c: 4 };
    });
    expect((await nodes.row(id))?.data).toEqual({ b: 3, c: 4 });
    const wrong = socket.withSession((context) => {
      context.session = new Map([["d", 1]]) as never;
    });
    expect(await outcome(wrong)).toBe("SESSION_VALUE_INVALID");
    expect((await nodes.row(id))?.data).toEqual({ b: 3, c: 4 });
  });

  test("assigns null to destroy the session", async () => {
    const node = await nodes.node();
    const { socket, session, client, id } = await node.connect();
    const told = next(client, "sessionEnd");
    const result = await socket.withSession((context) => {
      context.session = null;
      return "bye";
    });
    expect([result, session.active]).toEqual(["bye", false]);
    expect(await told).toEqual([{ reason: "destroyed" }]);
    expect(await nodes.row(id)).toBeUndefined();
    expect(await outcome(socket.withSession(count))).toBe("SESSION_MISSING");
    expect(await socket.withSession(count, "none")).toBe("none");
  });

  test("that throws saves nothing; its own error comes out, and the next one runs", async () => {
    const node = await nodes.node();
    const { socket, session, id } = await node.connect();
    const own = new Error("my own");
    for (const fail of [
      () => Promise.reject(own),
      () => {
        throw own;
      },
    ]) {
      const failed = socket.withSession((context) => {
        context.session["n"] = 100;
        return fail();
      });
      const following = socket.withSession(count);
      await expect(failed).rejects.toBe(own);
      await following;
    }
    expect((await nodes.row(id))?.data).toEqual({ n: 2 });
    expect(session.get("n")).toBe(2);
    // Values may be in the message of an application's error.
    expect(node.log.text).not.toContain("my own");
    await node.log.line(/a withSession handler threw: Error/);
  });

  test("cannot save what JSON loses or what is too much", async () => {
    const node = await nodes.node({ options: { maxBytes: 100 } });
    const { socket, session, id } = await node.connect();
    await session.set("a", 1);
    const before = await nodes.row(id);
    const save = (value: unknown) =>
      socket.withSession(({ session: draft }) => void Object.assign(draft, { b: value }));
    expect(await outcome(save(Number.NaN))).toBe("SESSION_VALUE_INVALID");
    expect(await outcome(save("x".repeat(100)))).toBe("SESSION_TOO_LARGE");
    expect(await nodes.row(id)).toEqual(before);
    await save("x");
    expect(session.toJSON()).toEqual({ a: 1, b: "x" });
  });

  test("goes on, and is saved, when its socket leaves meanwhile", async () => {
    const node = await nodes.node();
    const { socket, client, id } = await node.connect();
    const { opened, open } = gate();
    const left = next(socket, "disconnect");
    const done = socket.withSession(async (context) => {
      client.disconnect();
      await left;
      await opened;
      const nested = await socket.withSession(count);
      context.session["left"] = true;
      return nested;
    });
    await left;
    open();
    expect(await done).toBe(1);
    expect((await nodes.row(id))?.data).toEqual({ n: 1, left: true });
    // As with socket.session, which keeps its session for a handler that is still at work.
    await socket.withSession(count);
    await socket.session.set("after", 1);
    expect((await nodes.row(id))?.data).toEqual({ n: 2, left: true, after: 1 });
  });

  test("that nobody waits for makes no unhandled rejection", async () => {
    const node = await nodes.node();
    const { socket } = await node.connect();
    // An unhandled rejection fails the test by itself.
    const error = next(node.sessions, "error");
    void socket.withSession(() => Promise.reject(new Error("mine")));
    void socket.withSession(({ session }) => void Object.assign(session, { n: 1n }));
    expect(await error).toMatchObject([{ code: "SESSION_VALUE_INVALID" }]);
    await new Promise((resolve) => setImmediate(resolve));
  });
});

describe("somebody else's changes", () => {
  test("to the same key meanwhile: SESSION_CONFLICT, and nothing is saved", async () => {
    const [one, other] = [await nodes.node(), await nodes.node()];
    const here = await one.connect();
    const there = await other.connect(here.token);
    await here.session.set({ n: 1, m: 1 });
    const conflict = here.socket.withSession(async (context) => {
      context.session["n"] = 10;
      context.session["m"] = 10;
      await there.session.set("n", 2);
    });
    await expect(conflict).rejects.toMatchObject({ code: "SESSION_CONFLICT" });
    expect((await nodes.row(here.id))?.data).toEqual({ n: 2, m: 1 });
    expect(here.session.toJSON()).toEqual({ n: 2, m: 1 });
    // Trying again works, and sees what is there now.
    expect(await here.socket.withSession(count)).toBe(3);
  });

  test("to other keys: both are saved", async () => {
    const [one, other] = [await nodes.node(), await nodes.node()];
    const here = await one.connect();
    const there = await other.connect(here.token);
    await here.socket.withSession(async (context) => {
      context.session["mine"] = 1;
      await there.socket.withSession((also) => void Object.assign(also.session, { theirs: 2 }));
    });
    expect((await nodes.row(here.id))?.data).toEqual({ mine: 1, theirs: 2 });
  });

  test("to the same key by a set of another tab, or of the handler itself, are a conflict too", async () => {
    const node = await nodes.node();
    const { socket, session, token, id } = await node.connect();
    const tab = await node.connect(token);
    for (const by of [tab.session, session]) {
      const conflict = socket.withSession(async (context) => {
        context.session["n"] = 10;
        await by.set("n", 1);
        await by.set("n", 2);
      });
      expect(await outcome(conflict)).toBe("SESSION_CONFLICT");
      expect((await nodes.row(id))?.data).toEqual({ n: 2 });
      await session.clearSession();
    }
  });

  test("made before the handler began are no conflict, heard of or not", async () => {
    const [one, other] = [await nodes.node(), await nodes.node()];
    const here = await one.connect();
    const there = await other.connect(here.token);
    for (let round = 1; round <= 5; round++) {
      expect(await there.socket.withSession(count)).toBe(2 * round - 1);
      expect(await here.socket.withSession(count)).toBe(2 * round);
    }
  });

  test("a session that was destroyed meanwhile is not written back", async () => {
    const node = await nodes.node();
    const { socket, id } = await node.connect();
    const ended = socket.withSession(async (context) => {
      context.session["n"] = 1;
      await node.sessions.destroy(id);
    });
    expect(await outcome(ended)).toBe("SESSION_ENDED");
    await node.close();
    expect(await nodes.row(id)).toBeUndefined();
  });
});
