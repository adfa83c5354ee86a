import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { connect } from "node:net";
import { expect, test } from "@jest/globals";
import express, { type NextFunction, type Request, type Response } from "express";
import fastify from "fastify";
import Koa from "koa";
import { serve } from "../../support/http/cookie-client.js";
import { addApp, frameworks } from "../../support/http/http-apps.js";
import { gate, useNodes } from "../../support/servers/nodes.js";
import { liveIds } from "../../support/servers/rig.js";
import { next } from "../../support/servers/server.js";

// Where the middleware stands in an application, and what becomes of requests that others answer, or nobody.

const nodes = useNodes();
const cookieSecret = "a secret of at least 32 characters";

test.each(frameworks)(
  "%s: required for a part counts there, also where the application has it already",
  async (framework) => {
    const { io, sessions, url, connect } = await nodes.node();
    const required = { required: true };
    if (framework === "Express") {
      const app = express();
      app.use(sessions.express());
      app.use("/mine", sessions.express(required));
      app.use((_: Request, response: Response) => void response.send("done"));
      serve(io, app);
    } else if (framework === "Koa") {
      const app = new Koa();
      const ofMine = sessions.koa(required);
      app.use(sessions.koa());
      app.use((context, then) => (context.path === "/mine" ? ofMine(context, then) : then()));
      app.use((context) => {
        context.body = "done";
      });
      serve(io, app.callback());
    } else {
      const app = fastify();
      app.register(sessions.fastify());
      app.get("/", async () => "done");
      app.register(async (part) => {
        part.register(sessions.fastify(required));
        part.get("/mine", async () => "done");
      });
      await app.ready();
      serve(io, (request, response) => app.routing(request, response));
    }
    const { token } = await connect();
    const ask = async (path: string, headers = {}) => (await fetch(url + path, { headers })).status;
    expect([await ask("/"), await ask("/mine")]).toEqual([200, 401]);
    expect(await ask("/mine", { authorization: `Bearer ${token}` })).toBe(200);
    expect(await ask("/mine", { authorization: `Bearer ${token}x` })).toBe(401);
  },
);

test("Fastify with another plugin's sessions does not start, and says why", async () => {
  const { sessions } = await nodes.node();
  const app = fastify();
  app.decorateRequest("session");
  app.register(sessions.fastify());
  await expect(app.ready()).rejects.toMatchObject({ code: "FST_ERR_DEC_ALREADY_PRESENT" });
});

test("required on a route looks at what a lazy one has left alone", async () => {
  const { io, sessions, url, connect } = await nodes.node();
  const app = express();
  app.use(sessions.express({ lazy: true }), sessions.express({ required: true }));
  app.use((_: Request, response: Response) => void response.send("done"));
  serve(io, app);
  const { token } = await connect();
  expect((await fetch(url)).status).toBe(401);
  expect((await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status).toBe(200);
});

test("what stands in each other's way says so", async () => {
  const { io, sessions, url } = await nodes.node({ options: { cookieSecret } });
  const other = await nodes.node();
  const app = express();
  app.use("/others", other.sessions.express());
  app.use(sessions.express());
  app.use("/cookie", sessions.express({ cookie: {} }));
  app.use((error: { code: string }, _: Request, response: Response, __: NextFunction) => {
    response.status(500).send(error.code);
  });
  serve(io, app);
  for (const path of ["/others", "/cookie"])
    expect(await (await fetch(url + path)).text()).toBe("SESSION_OPTION_INVALID");
});

test("a request that somebody else has answered meanwhile", async () => {
  const { io, sessions, url } = await nodes.node();
  const app = express();
  app.use((_: Request, response: Response, then: NextFunction) => {
    then();
    response.send("too slow");
  });
  app.use(sessions.express({ required: true }));
  serve(io, app);
  // An error here would be a rejection that nobody handles, and the end of the process.
  expect(await (await fetch(url)).text()).toBe("too slow");
});

test("requests that wait for their turn on a connection let go of their sessions with it", async () => {
  const node = await nodes.node();
  const { token, client, socket } = await node.connect();
  const left = next(socket, "disconnect");
  client.disconnect();
  await left;
  const begun = gate();
  const held = gate();
  await addApp("Express", node, async (_, path) => {
    if (path === "/last") begun.open();
    await held.opened;
    return {};
  });
  let onServer: IncomingMessage["socket"] | undefined;
  const responses: ServerResponse[] = [];
  node.io.httpServer.on("request", (request: IncomingMessage, response: ServerResponse) => {
    onServer = request.socket;
    responses.push(response);
  });
  const connection = connect(node.port, "127.0.0.1");
  await once(connection, "connect");
  for (const path of ["/", "/second", "/last"])
    connection.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`);
  await begun.opened;
  expect(responses).toHaveLength(3);
  expect(liveIds(node.sessions)).toHaveLength(1);
  const gone = next(onServer, "close");
  connection.destroy();
  await gone;
  await new Promise((resolve) => setImmediate(resolve));
  expect(liveIds(node.sessions)).toEqual([]);
  held.open();
});
