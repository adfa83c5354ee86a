// The store of koa-session, as an application uses it: by its own types, without a cast.
import Koa from "koa";
import session from "koa-session";
import { memoryStore, tokenSession } from "socket.io-token-session";
import { KoaSessionStore } from "socket.io-token-session/koa-session";

const sessions = tokenSession({ store: memoryStore(), logger: false });
const store = new KoaSessionStore(sessions);
const app = new Koa();
app.keys = ["cat"];
app.use(session({ store, maxAge: 60_000, renew: true }, app));
app.use(session({ store: new KoaSessionStore(sessions), maxAge: "session" }, app));

export async function tool(): Promise<unknown> {
  await store.set("key", { cart: [] }, 60_000);
  const read = await store.get("key");
  await store.destroy("key");
  return read?.["cart"];
}

// @ts-expect-error no token sessions
new KoaSessionStore({});
