import type { IncomingMessage, ServerResponse } from "node:http";
import type { RequestSession } from "./request-session.js";
import type { SessionMiddleware } from "./session-middleware.js";

interface FastifyRequest {
  readonly raw: IncomingMessage;
  session?: RequestSession;
}

interface FastifyReply {
  readonly raw: ServerResponse;
  code(status: number): this;
  headers(headers: Record<string, string>): this;
  send(body: unknown): this;
}

/** What is used of a Fastify instance. */
export interface FastifyInstance {
  /** Announces a property of requests. */
  decorateRequest(name: string | symbol): unknown;
  /** Whether that has been announced. */
  hasRequestDecorator(name: string | symbol): boolean;
  /** Adds what runs for each request. */
  // biome-ignore lint/suspicious/noExplicitAny: Fastify's types of a hook depend on the instance's.
  addHook(name: "onRequest", hook: (request: any, reply: any) => Promise<unknown>): unknown;
}

/** A plugin for `app.register`. */
export type FastifyPlugin = (
  instance: FastifyInstance,
  options: unknown,
  done: (error?: Error) => void,
) => void;

/** Says that `request.session` is ours. */
const OURS = Symbol("socket.io-token-session");

/**
 * Makes the plugin that gives requests their `request.session`, for the whole application and not for the
 * plugin's own routes alone.
 */
export function fastifyPlugin(sessions: SessionMiddleware): FastifyPlugin {
  const plugin: FastifyPlugin = (instance, _, done) => {
    try {
      // Registered once more, where a part of the application asks for more.
      for (const name of instance.hasRequestDecorator(OURS) ? [] : ["session", OURS])
        instance.decorateRequest(name);
    } catch (error) {
      // Thrown, it would only be a time-out.
      return done(error as Error);
    }
    instance.addHook("onRequest", async (request: FastifyRequest, reply: FastifyReply) => {
      const { session, answer } = await sessions.handle(request.raw, reply.raw, request.session);
      if (answer)
        return reply
          .code(answer.status)
          .headers({ ...answer.headers })
          .send(answer.body);
      request.session = session;
      return undefined;
    });
    done();
  };
  // What fastify-plugin sets: https://fastify.dev/docs/latest/Reference/Plugins/#handle-the-scope
  return Object.assign(plugin, {
    [Symbol.for("skip-override")]: true,
    [Symbol.for("fastify.display-name")]: "socket.io-token-session",
  });
}
