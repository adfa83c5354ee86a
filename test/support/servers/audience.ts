import { hearers, loggedIn } from "./hearing.js";
import type { Nodes } from "./nodes.js";
import { gotToken } from "./server.js";

/**
 * Two sessions of user 7, one of user 8, one of nobody: each socket in the main namespace, and one of user 7
 * in another.
 */
export async function audience(nodes: Nodes) {
  const node = await nodes.node({
    attach: (sessions, io) => void sessions.attach(io).attach(io.of("/chat")),
  });
  const [phone, laptop, other, nobody] = await Promise.all([
    loggedIn(node, 7),
    loggedIn(node, "7"),
    loggedIn(node, 8),
    node.connect(),
  ]);
  const chat = phone.client.io.socket("/chat", { auth: { token: phone.token } } as never);
  await gotToken(chat);
  const clients = {
    phone: phone.client,
    chat,
    laptop: laptop.client,
    other: other.client,
    nobody: nobody.client,
  };
  const hear = (send: (word: string) => unknown) => hearers(node.io, clients, send);
  const toUser = (userId: string | number = 7) =>
    hear((word) => node.sessions.toUser(userId).emit("news", word));
  return { node, clients, phone, laptop, other, nobody, hear, toUser };
}
