// An application that declares what its sessions hold.
import type { Socket } from "socket.io";
import { memoryStore, tokenSession } from "socket.io-token-session";

declare module "socket.io-token-session" {
  interface SessionData {
    userId: number;
    cart: { id: string; count: number }[];
  }
}

tokenSession({ store: memoryStore() });

export async function handler(socket: Socket): Promise<void> {
  const userId: number | "" = socket.session.get("userId");
  const sure: number = socket.session.get("userId", 0);
  const maybe: number | undefined = socket.session.get("userId", undefined);
  const count: number | undefined = socket.session.get("cart", [])[0]?.count;
  await socket.session.set("userId", 7);
  await socket.session.set({ cart: [{ id: "a", count: 1 }], userId: undefined });
  await socket.session.set("userId", undefined);
  await socket.session.delete("cart");
  console.log(userId, sure, maybe, count, socket.session.toJSON().cart?.length);

  // @ts-expect-error a key that was not declared
  socket.session.get("userid");
  // @ts-expect-error a value of another type
  await socket.session.set("userId", "7");
  // @ts-expect-error likewise among several
  await socket.session.set({ userId: "7" });
  // @ts-expect-error it may be missing
  const wrong: number = socket.session.get("userId");
  console.log(wrong);
}
