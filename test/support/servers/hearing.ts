import { expect } from "@jest/globals";
import type { Server } from "socket.io";
import type { Socket } from "socket.io-client";
import type { Connected, Rig } from "./rig.js";
import { gotToken, next } from "./server.js";

type Clients = Record<string, Socket>;

/** What each of these clients hears as "news" of what `send` sends; `io` is the server that it sends by. */
export async function heard(
  io: Server,
  clients: Clients,
  send: () => unknown,
): Promise<Record<string, unknown[]>> {
  const news: Record<string, unknown[]> = {};
  const marks: Promise<unknown>[] = [];
  const off: (() => void)[] = [];
  for (const [name, client] of Object.entries(clients)) {
    const hear = (what: unknown) => {
      news[name] = [...(news[name] ?? []), what];
    };
    client.on("news", hear);
    off.push(() => client.off("news", hear));
    marks.push(next(client, "mark"));
  }
  await send();
  // It goes the same way, behind it; by their own rooms, because who is cut loose hears nothing that is sent
  // to all.
  for (const client of Object.values(clients))
    io.of(namespaceOf(client))
      .to(client.id ?? "")
      .emit("mark");
  await Promise.all(marks);
  for (const each of off) each();
  return news;
}

function namespaceOf(client: Socket): string {
  return (client as unknown as { nsp: string }).nsp;
}

/** The names of those that hear what `send` sends, in the order of the alphabet; each must hear it once. */
export async function hearers(
  io: Server,
  clients: Clients,
  send: (word: string) => unknown,
): Promise<string> {
  const word = String(Math.random());
  const news = await heard(io, clients, () => send(word));
  for (const words of Object.values(news)) expect(words).toEqual([word]);
  return Object.keys(news).sort().join(" ");
}

/** Has a client's session belong to a user. The client does not confirm: its new token comes in one step. */
export async function logIn(device: Connected, userId: string | number): Promise<string> {
  const sent = gotToken(device.client);
  await device.socket.session.login(userId);
  return (await sent).token;
}

/** A client whose session belongs to a user, and its token by then. */
export async function loggedIn(node: Rig, userId: string | number, token = ""): Promise<Connected> {
  const device = await node.connect(token);
  return { ...device, token: await logIn(device, userId) };
}

/** Has a client present a token on the connection that it has, and resolves when it is answered. */
export async function present(client: Socket, token: string): Promise<void> {
  const answer = gotToken(client);
  client.emit("getToken", { token });
  await answer;
}
