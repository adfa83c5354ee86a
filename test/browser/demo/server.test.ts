import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { io, type Socket } from "socket.io-client";
import { tokenSession } from "../../../client/index.js";
import { device } from "../../support/clients/device.js";
import { createTestDatabase, type TestDatabase } from "../../support/database/database.js";
import { type Demo, DemoFailure, startDemo } from "../../support/pages/demo-server.js";

interface Reply {
  error?: string;
  state?: { data: Record<string, unknown>; userId: string; id: string };
}

interface DeviceList {
  userId: string;
  devices: { sessionId: string; live: boolean }[];
}

/** A client of the demo with its session, as the page has it. */
async function startClient(url: string): Promise<Socket> {
  const socket = io(url, { forceNew: true });
  await tokenSession(socket, { storage: device() }).ready;
  return socket;
}

function askOn(socket: Socket, event: string, ...content: unknown[]): Promise<Reply> {
  return socket.emitWithAck(event, ...content);
}

describe("the demo's server", () => {
  let database: TestDatabase;
  let demo: Demo;
  let socket: Socket;
  const ask = (event: string, ...content: unknown[]) => askOn(socket, event, ...content);

  beforeAll(async () => {
    database = await createTestDatabase();
    demo = await startDemo(database.url);
    socket = await startClient(demo.url);
  });

  afterAll(async () => {
    socket?.disconnect();
    await demo?.stop();
    await database?.drop();
  });

  test.each<[string, unknown, string]>([
    ["login", {}, "A name is a text."],
    ["login", null, "A name is a text."],
    ["login", "Ada", "A name is a text."],
    ["login", ["Ada"], "A name is a text."],
    ["login", { name: { toString: 1 } }, "A name is a text."],
    ["login", { name: " \t\n" }, "Please give a name."],
    ["login", { name: "x".repeat(41) }, "A name has at most 40 characters."],
    ["login", { name: "a\u0000b" }, "A name has no control characters."],
    ["login", { name: "a\ud800" }, "A name has no halves of characters."],
    ["logout", undefined, "Nobody is logged in."],
    ["signOut", { sessionId: "0".repeat(32) }, "Nobody is logged in."],
    ["signOutOthers", undefined, "Nobody is logged in."],
    ["cart", {}, "There is no such product."],
    ["cart", { product: "__proto__", by: 1 }, "There is no such product."],
    ["cart", { product: ["coffee"], by: 1 }, "There is no such product."],
    ["cart", { product: "coffee", by: 2 }, "Add one or remove one."],
    ["cart", { product: "coffee", by: "1" }, "Add one or remove one."],
    ["cart", { product: "coffee", by: -1 }, "There is none of it in the cart."],
  ])("refuses %s %j", async (event, content, error) => {
    expect(await ask(event, content)).toEqual({ error });
  });

  test("takes at most 99 of a product", async () => {
    const all = await Promise.all(
      Array.from({ length: 100 }, () => ask("cart", { product: "apple", by: 1 })),
    );
    expect(all.filter(({ state }) => state)).toHaveLength(99);
    expect(all.at(-1)).toEqual({ error: "At most 99 of each." });
    expect((await ask("state")).state?.data["cart"]).toEqual({ apple: 99 });
  });

  test("survives events without acknowledgement, and a message that is too big", async () => {
    socket.emit("login");
    socket.emit("cart", null, 7);
    socket.emit(
      "cart",
      () => {},
      () => {},
    );
    expect((await ask("state")).error).toBeUndefined();
    const gone = new Promise((resolve) => socket.once("disconnect", resolve));
    socket.emit("login", { name: "x".repeat(20_000) });
    await gone;
    expect((await ask("state")).state?.data["cart"]).toEqual({ apple: 99 });
  });

  test.each([
    "/server.js",
    "/../server.js",
    "/public/../../server.js",
    "/%2e%2e/server.js",
    "/..%2fserver.js",
    "//etc/passwd",
    "/constructor",
    "",
  ])("has no file %j", async (path) => {
    expect((await get(path)).status).toBe(404);
  });

  test.each([
    ["/", "text/html; charset=utf-8"],
    ["/?a=b", "text/html; charset=utf-8"],
    ["/style.css", "text/css; charset=utf-8"],
    ["/app.js", "text/javascript; charset=utf-8"],
    ["/icon.svg", "image/svg+xml"],
  ])("serves %s under a strict policy", async (path, type) => {
    const { status, headers, body } = await get(path);
    expect(status).toBe(200);
    expect(headers["content-type"]).toBe(type);
    expect(headers["x-content-type-options"]).toBe("nosniff");
    expect(headers["content-security-policy"]).toMatch(
      /^default-src 'none'; script-src 'self'; style-src 'self';/,
    );
    expect(headers["content-security-policy"]).not.toContain("unsafe");
    expect(body).not.toBe("");
  });

  test("only reads", async () => {
    const { status, headers } = await get("/", "POST");
    expect([status, headers["allow"]]).toEqual([405, "GET, HEAD"]);
    expect(await get("/", "HEAD")).toMatchObject({ status: 200, body: "" });
  });

  function get(path: string, method = "GET") {
    return new Promise<{ status: number; headers: Record<string, unknown>; body: string }>(
      (resolve, reject) => {
        // Not fetch, which would tidy the path up before it is sent.
        const sent = request(
          { host: "127.0.0.1", port: demo.port, path: path || "*", method },
          (response) => {
            let body = "";
            response.setEncoding("utf8").on("data", (text: string) => {
              body += text;
            });
            response.on("end", () =>
              resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
            );
          },
        );
        sent.on("error", reject).end();
      },
    );
  }
});

describe("the demo's server, of devices,", () => {
  let database: TestDatabase;
  let demo: Demo;
  let ada: Socket;
  let eve: Socket;
  let idOfAda: string;
  let idOfEve: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    demo = await startDemo(database.url);
    [ada, eve] = [await startClient(demo.url), await startClient(demo.url)];
    idOfAda = (await askOn(ada, "login", { name: "Ada" })).state?.id ?? "";
    idOfEve = (await askOn(eve, "login", { name: "Eve" })).state?.id ?? "";
  });

  afterAll(async () => {
    for (const socket of [ada, eve]) socket?.disconnect();
    await demo?.stop();
    await database?.drop();
  });

  test.each([
    ["nothing", undefined],
    ["no id", {}],
    ["a list", { sessionId: ["0".repeat(32)] }],
    ["a number", { sessionId: 7 }],
    ["too few digits", { sessionId: "0".repeat(31) }],
    ["capitals", { sessionId: "A".repeat(32) }],
    ["a pattern", { sessionId: `${"0".repeat(31)}%` }],
    ["a line end", { sessionId: `${"0".repeat(32)}\n` }],
  ])("refuses to sign out %s", async (_, content) => {
    expect(await askOn(eve, "signOut", content)).toEqual({ error: "That is no session id." });
  });

  test("refuses to sign out somebody else's device, and one that is not there, in the same words", async () => {
    for (const sessionId of [idOfAda, "0".repeat(32)]) {
      expect(await askOn(eve, "signOut", { sessionId })).toEqual({ error: "You have no such device." });
    }
    expect((await askOn(ada, "state")).state).toMatchObject({ id: idOfAda, userId: "ada" });
    expect(await database.rows("select userId from session where sessionId = ?", [idOfAda])).toEqual([
      { userId: "ada" },
    ]);
  });

  test("refuses to sign out the device that asks", async () => {
    expect(await askOn(eve, "signOut", { sessionId: idOfEve })).toEqual({
      error: "That is this device: log out instead.",
    });
  });

  test("signs out nobody else's devices together with one's own", async () => {
    expect((await askOn(eve, "signOutOthers")).state?.id).toBe(idOfEve);
    expect((await askOn(ada, "state")).state?.id).toBe(idOfAda);
  });

  test("refuses to log in as somebody else on top of a login", async () => {
    expect(await askOn(eve, "login", { name: "ada" })).toEqual({
      error: "Somebody else is logged in: log out first.",
    });
    expect((await askOn(eve, "login", { name: " EVE" })).state).toMatchObject({ userId: "eve" });
  });

  test("sends the list to that user's sockets, until the logout, and to no others", async () => {
    const heard = new Set<string>();
    ada.on("devices", ({ userId }: DeviceList) => heard.add(`ada hears of ${userId}`));
    const phone = await startClient(demo.url);
    const listOf = (socket: Socket, length: number) =>
      new Promise<DeviceList>((resolve) => {
        socket.on("devices", (list: DeviceList) => list.devices.length === length && resolve(list));
      });
    try {
      const [list] = await Promise.all([
        listOf(phone, 2),
        listOf(eve, 2),
        askOn(phone, "login", { name: "Eve" }),
      ]);
      expect(list.userId).toBe("eve");
      expect(list.devices.map(({ sessionId }) => sessionId)).toContain(idOfEve);
      const left = listOf(eve, 1);
      await askOn(phone, "logout");
      phone.on("devices", () => heard.add("who is logged out hears"));
      expect((await left).devices.map(({ sessionId }) => sessionId)).toEqual([idOfEve]);
      // A socket gets things in order: whatever was sent to these before that list has arrived when this is
      // answered.
      for (const socket of [phone, ada]) await askOn(socket, "cart");
      expect([...heard]).toEqual([]);
    } finally {
      phone.disconnect();
    }
  });
});

test("the demo's server ends at once, also while a browser holds a connection on which it asked nothing", async () => {
  const database = await createTestDatabase();
  try {
    const demo = await startDemo(database.url);
    const idle = connect(demo.port, "127.0.0.1");
    await once(idle, "connect");
    const closed = once(idle, "close");
    idle.resume();
    expect(await demo.stop()).toBe(0);
    await closed;
  } finally {
    await database.drop();
  }
});

describe("the demo's server does not start, and says why without the password,", () => {
  test("where the table is missing", async () => {
    const database = await createTestDatabase({ table: false });
    try {
      const failure = await failureOf(startDemo(database.url));
      expect(failure.exitCode).toBe(1);
      expect(failure.output).toMatch(/The demo cannot run: the session table is missing/);
      expect(failure.output).toMatch(/CREATE TABLE/i);
      expect(failure.output).not.toContain(new URL(database.url).password);
    } finally {
      await database.drop();
    }
  });

  test.each([
    ["where nothing listens", "mysql://somebody:hunter2@127.0.0.1:1/app", /could not be reached/],
    ["where the URL is none", "somebody:hunter2 at home", /DATABASE_URL is not a URL/],
    ["where there is no URL", "", /DATABASE_URL is not set/],
  ])("%s", async (_, url, expected) => {
    const failure = await failureOf(startDemo(url));
    expect(failure.exitCode).toBe(1);
    expect(failure.output).toMatch(expected);
    expect(failure.output).not.toContain("hunter2");
  });

  async function failureOf(start: Promise<Demo>): Promise<DemoFailure> {
    const outcome = await start.catch((error: unknown) => error);
    if (outcome instanceof DemoFailure) return outcome;
    throw new Error(`the demo started, or failed otherwise: ${outcome}`);
  }
});
