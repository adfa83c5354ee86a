import { describe, expect, test } from "@jest/globals";
import type { Server, Socket } from "socket.io";
import {
  type HandlerFailure,
  memoryStore,
  SessionError,
  type TokenSessions,
  tokenSession,
} from "../../../src/index.js";
import { expectOptionRefused } from "../../support/options.js";
import { gate, type Node, useNodes } from "../../support/servers/nodes.js";
import { ask, next } from "../../support/servers/server.js";

// sessions.handler(fn): a handler that fails answers its client and ends nothing. A rejection that nobody
// handles fails a test by itself.

const nodes = useNodes();

// biome-ignore lint/suspicious/noExplicitAny: what a client sends.
type Fn = (this: Socket, ...args: any[]) => unknown;

/** A server whose event `run` has this handler, wrapped. */
function serving(make: (sessions: TokenSessions) => Fn): Promise<Node> {
  return nodes.node({
    handlers: (io, sessions) =>
      io.on("connection", (socket) => {
        socket.on("run", sessions.handler(make(sessions)));
        socket.on("there?", (done) => done());
      }),
  });
}

describe("a handler that fails", () => {
  test("with a SessionError answers its code; what a client brings about is a warning, said once", async () => {
    const node = await serving(
      () =>
        async function (value: unknown, done: () => void) {
          await this.session.set("value", value);
          done();
        },
    );
    const { client, id } = await node.connect();
    expect(await ask(client, "run", "x".repeat(70_000))).toEqual({ error: "SESSION_TOO_LARGE" });
    expect(await ask(client, "run", 1)).toBeUndefined();
    const said = node.log.lines.filter(({ code }) => code !== undefined);
    expect(said).toEqual([
      {
        level: "warn",
        code: "SESSION_TOO_LARGE",
        sessionId: id,
        text: expect.stringMatching(/exceed maxBytes/),
      },
    ]);
  });

  test("with a SessionError that is no change's is logged by its level, without its cause", async () => {
    const thrown = ["SESSION_ID_INVALID", "SESSION_STORE_FAILED"] as const;
    const node = await serving(() => (n: 0 | 1, _done: unknown) => {
      throw new SessionError(thrown[n], undefined, { cause: new Error("the database's words") });
    });
    const { client, id } = await node.connect();
    for (const [n, code] of thrown.entries()) expect(await ask(client, "run", n)).toEqual({ error: code });
    expect(node.log.lines.filter(({ code }) => code !== undefined)).toEqual([
      { level: "warn", code: thrown[0], sessionId: id, text: expect.any(String) },
      { level: "error", code: thrown[1], sessionId: id, text: expect.any(String) },
    ]);
    expect(node.log.text).not.toContain("words");
  });

  test.each([
    [
      "throws at once",
      (error: unknown) => () => {
        throw error;
      },
    ],
    ["rejects", (error: unknown) => () => Promise.reject(error)],
    [
      "rejects later",
      (error: unknown) => async () => {
        await new Promise((resolve) => setImmediate(resolve));
        throw error;
      },
    ],
  ])("and %s with anything else tells its client nothing of it, and the log all", async (_how, failing) => {
    const error = new Error("secret");
    const node = await serving(() => failing(error));
    const { client, id } = await node.connect();
    expect(await ask(client, "run")).toEqual({ error: "SESSION_HANDLER_FAILED" });
    const line = await node.log.line(/error of the application's own/);
    expect(line).toMatchObject({ level: "error", code: "SESSION_HANDLER_FAILED", sessionId: id });
    expect(line["err"]).toBe(error);
  });

  test.each([undefined, null, "text", 7, { toString: null }, Object.create(null), Symbol("s")])(
    "and throws what is no error: %p",
    async (thrown) => {
      const node = await serving(() => () => {
        throw thrown;
      });
      const { client } = await node.connect();
      expect(await ask(client, "run")).toEqual({ error: "SESSION_HANDLER_FAILED" });
      expect((await node.log.line(/application's own/))["err"]).toBeInstanceOf(Error);
    },
  );

  test("after its answer does not answer again", async () => {
    const node = await serving(() => async (done: (answer: string) => void) => {
      done("done");
      throw new Error("too late");
    });
    const { client } = await node.connect();
    const answers: unknown[] = [];
    client.emit("run", (answer: unknown) => answers.push(answer));
    await node.log.line(/application's own/);
    expect(await ask(client, "run")).toBe("done");
    expect(answers).toEqual(["done"]);
  });

  test("because its answer cannot be sent answers that it failed", async () => {
    const node = await serving(() => (done: (answer: unknown) => void) => done(1n));
    const { client } = await node.connect();
    expect(await ask(client, "run")).toEqual({ error: "SESSION_HANDLER_FAILED" });
  });

  test("when its socket has gone is logged all the same", async () => {
    const { opened, open } = gate();
    const node = await serving(() => async (done: () => void) => {
      await opened;
      done();
      throw new Error("gone");
    });
    const { client, socket } = await node.connect();
    const gone = next(socket, "disconnect");
    client.emit("run", () => {});
    client.emit("run");
    await ask(client, "there?");
    client.disconnect();
    await gone;
    open();
    await node.log.line(/application's own/);
  });

  test("because withSession rejects is answered too", async () => {
    const node = await serving(
      () =>
        async function (done: (answer: unknown) => void) {
          done(
            await this.withSession(({ session }) => {
              session["large"] = "x".repeat(70_000);
            }),
          );
        },
    );
    const { client } = await node.connect();
    expect(await ask(client, "run")).toEqual({ error: "SESSION_TOO_LARGE" });
    expect(await ask(node.client(), "run")).toEqual({ error: "SESSION_MISSING" });
  });

  test("on a namespace without token sessions is answered too", async () => {
    const node = await nodes.node({
      handlers: (io, sessions) =>
        io.of("/bare").on("connection", (socket) =>
          socket.on(
            "run",
            sessions.handler((done: (id: unknown) => void) => done(socket.session.id)),
          ),
        ),
    });
    const bare = node.client().io.socket("/bare");
    expect(await ask(bare, "run")).toEqual({ error: "SESSION_NOT_ATTACHED" });
  });
});

describe("what a handler is called with", () => {
  /**
   * What a handler was called with; `"ack"` for the client's acknowledgement, `"none"` for a function that
   * does nothing.
   */
  async function called(
    fn: (seen: (...args: unknown[]) => void) => Fn,
    ...sent: unknown[]
  ): Promise<unknown[]> {
    let seen: unknown[] = [];
    const { opened, open } = gate();
    const node = await serving(() =>
      fn((...args) => {
        seen = args;
        open();
      }),
    );
    const { client } = await node.connect();
    let answered = false;
    client.emit("run", ...sent.map((each) => (each === "ack" ? () => (answered = true) : each)));
    await opened;
    const shown: unknown[] = [];
    for (const each of seen) {
      if (typeof each !== "function") shown.push(each);
      else {
        expect(each("an answer")).toBeUndefined();
        await ask(client, "there?");
        shown.push(answered ? "ack" : "none");
      }
    }
    return shown;
  }

  type See = (...args: unknown[]) => void;
  const two = (see: See) => (name: unknown, done: unknown) => see(name, done);

  test.each<[string, (see: See) => Fn, unknown[], unknown[]]>([
    ["what the client sent", two, ["Ada", "ack"], ["Ada", "ack"]],
    ["nothing in place of a missing acknowledgement", two, ["Ada"], ["Ada", "none"]],
    ["the same where more is missing", two, [], [undefined, "none"]],
    ["the acknowledgement where it comes", two, ["ack"], ["ack", undefined]],
    ["what takes the acknowledgement's place", two, ["Ada", 1], ["Ada", 1]],
    [
      "more than it asks for",
      (see) =>
        (name: unknown, ...rest: unknown[]) =>
          see(name, ...rest),
      ["Ada", 1, "ack"],
      ["Ada", 1, "ack"],
    ],
    [
      "no function for a parameter with a default",
      (see) =>
        (name: unknown, text = "none") =>
          see(name, text),
      ["Ada"],
      ["Ada", "none"],
    ],
    [
      "no function for rest parameters",
      (see) =>
        (...sent: unknown[]) =>
          see(...sent),
      ["Ada"],
      ["Ada"],
    ],
    ["nothing, where it asks for nothing", (see) => () => see(), ["Ada"], []],
  ])("%s", async (_what, fn, sent, expected) => {
    expect(await called(fn, ...sent)).toEqual(expected);
  });

  test("`this` is the socket", async () => {
    const node = await serving(
      () =>
        function (this: Socket, done: (id: string) => void) {
          done(this.id);
        },
    );
    const { client } = await node.connect();
    expect(await ask(client, "run")).toBe(client.id);
  });

  test("what it returns is not sent", async () => {
    const node = await serving(() => (done: (answer: string) => void) => {
      done("answer");
      return "returned";
    });
    const { client } = await node.connect();
    expect(await ask(client, "run")).toBe("answer");
  });
});

test("what is no function is refused", () => {
  const sessions = tokenSession({ store: memoryStore(), logger: false });
  expectOptionRefused(() => sessions.handler("name" as never), /handler\(\) takes a function, not string/);
});

test("types: those of the event, the acknowledgement's too", () => {
  interface Events {
    rename: (name: string, done: (answer: { name: string } | HandlerFailure) => void) => void;
    silent: (n: number) => void;
  }
  // Never run: that it compiles is the test.
  const typesOf = (sessions: TokenSessions, typed: Server<Events>, untyped: Server) => {
    typed.on("connection", (socket) => {
      socket.on(
        "rename",
        sessions.handler(async (name, done) => {
          const text: string = name;
          await socket.session.set("name", text);
          done({ name });
          // @ts-expect-error Not what the event answers.
          done({ nome: name });
          // @ts-expect-error A name is a text.
          name.toFixed();
        }),
      );
      socket.once(
        "silent",
        sessions.handler((n) => n.toFixed()),
      );
      socket.on(
        "rename",
        // @ts-expect-error It is sent a text.
        sessions.handler((name: number) => name),
      );
      socket.on(
        "rename",
        sessions.handler(function (name) {
          this.session.set("name", name);
        }),
      );
    });
    untyped.on("connection", (socket) => {
      socket.on(
        "any",
        sessions.handler(async (content, done) => done(content.anything)),
      );
      socket.on(
        "any",
        sessions.handler((name: string, done?: (answer: string) => void) => done?.(name)),
      );
      // @ts-expect-error It takes a function.
      socket.on("any", sessions.handler(7));
    });
    const alone: (name: string) => Promise<void> = sessions.handler((name: string) => name.length);
    return alone;
  };
  expect(typesOf).toBeDefined();
});
