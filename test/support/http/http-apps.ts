import type { IncomingMessage, ServerResponse } from "node:http";
import express, { type Request, type Response } from "express";
import fastify from "fastify";
import Koa from "koa";
import type { Server } from "socket.io";
import type { RequestSession, RequestSessionOptions, TokenSessions } from "../../../src/index.js";

/**
 * One application in three frameworks: `act` answers each request by its path, with the request's session.
 */
export type Act = (session: RequestSession, path: string) => Promise<unknown>;

type Listener = (request: IncomingMessage, response: ServerResponse) => void;
type MakeApp = (
  sessions: TokenSessions,
  options: RequestSessionOptions | undefined,
  act: Act,
) => Promise<Listener>;

const apps = {
  /** Nothing but Node, calling the middleware as Connect and its like do. */
  async Connect(sessions, options, act) {
    const middleware = sessions.express(options);
    const answer = (response: ServerResponse, status: number, body: unknown) => {
      response.writeHead(status, { "Content-Type": "application/json" });
      response.end(JSON.stringify(body));
    };
    return (request, response) =>
      middleware(request, response, (error) => {
        if (error) return answer(response, 500, { thrown: String(error) });
        const { pathname } = new URL(request.url ?? "", "http://localhost");
        act(sessionOf(request), pathname).then(
          (body) => answer(response, 200, body),
          (thrown) => answer(response, 500, { thrown: String(thrown) }),
        );
      });
  },
  async Express(sessions, options, act) {
    const app = express();
    app.disable("x-powered-by");
    app.use(sessions.express(options));
    app.use(async (request: Request, response: Response) => {
      response.json(await act(sessionOf(request), request.path));
    });
    // Quiet, and as an application would: what was thrown is answered.
    app.use((error: Error, _: Request, response: Response, __: () => void) => {
      response.status(500).json({ thrown: error.message });
    });
    return app;
  },
  async Koa(sessions, options, act) {
    const app = new Koa();
    app.silent = true;
    app.use(sessions.koa(options));
    app.use(async (context) => {
      context.body = await act(sessionOf(context), context.path);
    });
    return app.callback();
  },
  async Fastify(sessions, options, act) {
    const app = fastify();
    app.register(sessions.fastify(options));
    app.all("/*", async (request) => act(sessionOf(request), request.url));
    await app.ready();
    return (request, response) => app.routing(request, response);
  },
} satisfies Record<string, MakeApp>;

export type Framework = keyof typeof apps;
export const frameworks = Object.keys(apps) as Framework[];

/**
 * Adds such an application to the HTTP server of a Socket.IO server, for all paths that are not Socket.IO's.
 */
export async function addApp(
  framework: Framework,
  { io, sessions }: { io: Server; sessions: TokenSessions },
  act: Act,
  options?: RequestSessionOptions,
): Promise<void> {
  const listener = await apps[framework](sessions, options, act);
  io.httpServer.on("request", (request: IncomingMessage, response: ServerResponse) => {
    if (!request.url?.startsWith("/socket.io/")) listener(request, response);
  });
}

function sessionOf(request: unknown): RequestSession {
  return (request as { session: RequestSession }).session;
}
