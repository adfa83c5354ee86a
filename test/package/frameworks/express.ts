// As an application with Express writes it, from the first line to the last without a cast.
import express from "express";
import "socket.io-token-session/express";
import { memoryStore, type RequestSession, tokenSession } from "socket.io-token-session";

const sessions = tokenSession({ store: memoryStore() });
const app = express();
app.use(sessions.express());
app.use(
  "/bridge",
  sessions.express({ lazy: true, cookie: { url: "/bridge/session", origins: ["https://app.example"] } }),
);
app.get("/", sessions.express({ required: true }), async (request, response) => {
  const session: RequestSession = request.session;
  await session.ready;
  await session.start();
  await session.set("n", 1);
  response.json({ id: session.id, n: session.get("n") });
});
// @ts-expect-error no such option
app.use(sessions.express({ secret: "" }));
// @ts-expect-error it cannot be replaced
app.use((request) => (request.session = undefined));
