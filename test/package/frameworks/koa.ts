import Koa from "koa";
import "socket.io-token-session/koa";
import { memoryStore, type RequestSession, tokenSession } from "socket.io-token-session";

const sessions = tokenSession({ store: memoryStore() });
const app = new Koa();
app.use(sessions.koa({ required: true }));
app.use(async (ctx, next) => {
  const session: RequestSession = ctx.session;
  await session.login("ada");
  ctx.body = session.userId;
  await next();
});
