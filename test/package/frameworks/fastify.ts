import fastify from "fastify";
import "socket.io-token-session/fastify";
import { memoryStore, type RequestSession, tokenSession } from "socket.io-token-session";

const sessions = tokenSession({ store: memoryStore() });
const app = fastify();
await app.register(sessions.fastify({ required: true }));
app.get("/", async (request) => {
  const session: RequestSession = request.session;
  await session.update((draft) => {
    draft["n"] = 1;
  });
  return session.toJSON();
});
