// The store of express-session, as an application uses it: by the published types of express-session, without
// a cast.
import express from "express";
import session from "express-session";
import { memoryStore, type TokenSessions, tokenSession } from "socket.io-token-session";
import { ConnectStore, type ListedSession } from "socket.io-token-session/express-session";

declare module "express-session" {
  interface SessionData {
    cart: string[];
  }
}

const sessions: TokenSessions = tokenSession({ store: memoryStore(), logger: false });
const store = new ConnectStore(sessions);
const app = express();
app.use(
  session({
    store,
    secret: ["new", "old"],
    resave: false,
    saveUninitialized: false,
    rolling: true,
    cookie: { maxAge: 60_000 },
  }),
);
app.use(session({ store: new ConnectStore(sessions), secret: "cat" }));
app.get("/", (request, response) => {
  request.session.cart = [...(request.session.cart ?? []), "socket"];
  request.session.save((error) => response.json(error ? "failed" : request.session.cart));
});

const anyStore: session.Store = store;
anyStore.get("sid", (error, data) => console.log(error, data?.cart));
store.get("sid", (error, data) => console.log(error, data?.cart));
store.length((error, count) => console.log(error, count));
export async function tool(): Promise<number> {
  const read: session.SessionData | null = await store.get("sid");
  if (read) await store.set("sid", { ...read, cart: [] });
  await store.destroy("sid");
  const all: ListedSession[] = await store.all();
  await store.clear();
  return all.length + (await store.length());
}

// @ts-expect-error no token sessions
new ConnectStore(memoryStore());
// @ts-expect-error a session id is text
store.destroy(7);
