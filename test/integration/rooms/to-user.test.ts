import { describe, expect, test } from "@jest/globals";
import { audience } from "../../support/servers/audience.js";
import { hearers, loggedIn, logIn, present } from "../../support/servers/hearing.js";
import { outcome, useNodes } from "../../support/servers/nodes.js";
import { gotToken, next } from "../../support/servers/server.js";

// Who hears what is sent to a user and to a session.

const nodes = useNodes();

describe("who hears it", () => {
  test("every socket that is logged in as the user, in every session and namespace, and no other", async () => {
    const { toUser } = await audience(nodes);
    expect(await toUser(7)).toBe("chat laptop phone");
    expect(await toUser("7")).toBe("chat laptop phone");
    expect(await toUser(8)).toBe("other");
    expect(await toUser("nobody")).toBe("");
  });

  test("every socket that has the session open, logged in or not", async () => {
    const { node, hear, phone, nobody } = await audience(nodes);
    const toSession = (id: string) => hear((word) => node.sessions.toSession(id).emit("news", word));
    expect(await toSession(phone.id)).toBe("chat phone");
    expect(await toSession(nobody.id)).toBe("nobody");
    expect(await toSession("0".repeat(32))).toBe("");
  });

  test("from when login resolves", async () => {
    const { node, nobody, hear } = await audience(nodes);
    const login = nobody.socket.session.login(7);
    expect(await hear((word) => login.then(() => node.sessions.toUser(7).emit("news", word)))).toBe(
      "chat laptop nobody phone",
    );
  });

  test("not from before logout resolves", async () => {
    const { phone, hear, node, toUser } = await audience(nodes);
    const out = phone.socket.session.logout();
    expect(await hear((word) => out.then(() => node.sessions.toUser(7).emit("news", word)))).toBe("laptop");
    expect(await toUser()).toBe("laptop");
  });

  test("one that becomes somebody else's hears what is sent to that one, and nothing more", async () => {
    const { phone, clients, toUser, hear, node } = await audience(nodes);
    const token = await logIn(phone, 8);
    expect([await toUser(7), await toUser(8)]).toEqual(["laptop", "other phone"]);
    // The other socket of the session has no part in it until it presents the new token.
    const toSession = (word: string) => node.sessions.toSession(phone.id).emit("news", word);
    expect(await hear(toSession)).toBe("phone");
    await present(clients.chat, token);
    expect(await toUser(8)).toBe("chat other phone");
    expect(await hear(toSession)).toBe("chat phone");
  });

  test("a socket whose token is replaced hears nothing until it presents the new one", async () => {
    const { phone, clients, toUser } = await audience(nodes);
    const sent = gotToken(phone.client);
    await phone.socket.session.regenerate();
    expect(await toUser()).toBe("laptop phone");
    await present(clients.chat, phone.token);
    expect(await toUser()).toBe("laptop phone");
    await present(clients.chat, (await sent).token);
    expect(await toUser()).toBe("chat laptop phone");
  });

  test("a socket that switches to another session hears what is that one's", async () => {
    const { laptop, other, toUser } = await audience(nodes);
    await present(laptop.client, other.token);
    expect([await toUser(7), await toUser(8)]).toEqual(["chat phone", "laptop other"]);
    await present(laptop.client, "");
    expect([await toUser(7), await toUser(8)]).toEqual(["chat phone", "other"]);
  });

  test.each([
    ["has ended", "destroyed", "delete from session where sessionId = ?"],
    ["has expired", "expired", "update session set expires = unix_timestamp() - 60 where sessionId = ?"],
  ])("nobody whose session %s, from when the process learns of it", async (_, reason, statement) => {
    const { node, phone, clients } = await audience(nodes);
    await nodes.database.pool.query(statement, [phone.id]);
    const told = [phone.client, clients.chat].map((client) => next(client, "sessionEnd"));
    const over = [phone.client, clients.chat].map((client) => next(client, "disconnect"));
    const news: unknown[] = [];
    for (const client of [phone.client, clients.chat]) client.on("news", (word) => news.push(word));
    node.sessions.once("sessionEnd", () => {
      node.sessions.toUser(7).emit("news", "late");
      node.sessions.toSession(phone.id).emit("news", "late");
    });
    expect(await outcome(phone.socket.session.reload())).toBe("SESSION_ENDED");
    expect(await Promise.all(told)).toEqual([[{ reason }], [{ reason }]]);
    await Promise.all(over);
    expect(news).toEqual([]);
  });

  test("what another server has done, from when this one reads it; before, each server reaches its own sockets", async () => {
    const { node, phone, clients, hear, toUser } = await audience(nodes);
    const elsewhere = await nodes.node();
    const there = await elsewhere.connect(phone.token);
    const all = { ...clients, there: there.client };
    expect(await hearers(node.io, clients, (word) => node.sessions.toUser(7).emit("news", word))).toBe(
      "chat laptop phone",
    );
    const send = (word: string) => elsewhere.sessions.toUser(7).emit("news", word);
    expect(await hearers(elsewhere.io, { there: all.there }, send)).toBe("there");
    // Its client does not confirm, and is let go with the session: here nobody holds the new token.
    await there.session.logout();
    expect(await toUser()).toBe("chat laptop phone");
    await phone.session.reload();
    expect(await toUser()).toBe("laptop");
    expect(await hear((word) => node.sessions.toSession(phone.id).emit("news", word))).toBe("");
  });

  test("a socket that is asking for a session it does not get stays where it is until then", async () => {
    const { node, laptop, toUser } = await audience(nodes);
    const held = node.proxy.hold("coalesce(data");
    const answer = gotToken(laptop.client);
    laptop.client.emit("getToken", { token: `${"0".repeat(32)}.${"A".repeat(43)}` });
    const query = await held;
    expect(await toUser()).toBe("chat laptop phone");
    await query.release();
    expect(await answer).toMatchObject({ errors: "Session Not Found", created: true });
    expect(await toUser()).toBe("chat phone");
  });

  test.each([
    ["spaces inside", "Ada  Lovelace"],
    ["what names of rooms and channels are made of", "a/b#c:d*[e]?,f"],
    ["a name of ours", "tokenSession/user/7"],
    ["control characters", "a\0b\nc"],
    ["emoji", "😀".repeat(128)],
    ["what JavaScript has of its own", "__proto__"],
    ["0", 0],
    ["a negative number", -7],
  ])("a user id may have %s", async (_, userId) => {
    const node = await nodes.node();
    const clients = { it: (await loggedIn(node, userId)).client, seven: (await loggedIn(node, 7)).client };
    expect(await hearers(node.io, clients, (word) => node.sessions.toUser(userId).emit("news", word))).toBe(
      "it",
    );
    expect(await hearers(node.io, clients, (word) => node.sessions.toUser(7).emit("news", word))).toBe(
      "seven",
    );
  });
});
