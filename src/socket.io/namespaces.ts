import type { Namespace, Socket } from "socket.io";
import { SessionError } from "../errors.js";
import type { SessionHandle } from "../handle/handle.js";
import { Attachment, attachments } from "./attachment.js";
import { limitConnects } from "./connect-limit.js";
import type { AttachmentContext } from "./context.js";
import { forget } from "./internals.js";
import { install, installOnSockets } from "./prototype.js";
import { watchConnecting } from "./shared-connection.js";
import { isConnectionRefused, refuseConnection } from "./socket-slots.js";

// Here, and not where the property is made, because declarations of types reach the application through this
// file.
declare module "socket.io" {
  interface Socket {
    /**
     * This socket's token session. Throws `SESSION_NOT_ATTACHED` on a socket of a namespace to which no token
     * sessions were attached.
     */
    readonly session: SessionHandle;
  }
}

/** What Socket.IO takes as middleware. */
export type Middleware = (socket: Socket, next: (error?: Error) => void) => void;

/** A Socket.IO server, or a namespace of one: `io`, `io.of("/chat")`, `io.of(/^\/room-\d+$/)`. */
export interface AttachTarget {
  /** Takes middleware, as Socket.IO's servers and namespaces do. */
  // biome-ignore lint/suspicious/noExplicitAny: servers with typed events differ in each parameter.
  use(middleware: (socket: any, next: (error?: any) => void) => void): unknown;
}

/** The token sessions of each namespace. */
const contexts = new WeakMap<object, AttachmentContext>();

/** Makes the middleware of one `tokenSession`. */
export function createMiddleware(context: AttachmentContext): Middleware {
  const middleware: Middleware = (socket, next) => {
    listen(socket.nsp, context);
    installOnSockets(Object.getPrototypeOf(socket));
    limitConnects(socket, isAttached, refuseAttached);
    void enter(socket, next, context);
  };
  install(middleware, (namespace) => listen(namespace, context));
  return middleware;
}

/** Adds the middleware to a server's main namespace, or to a namespace. Doing it again changes nothing. */
export function attachTo(target: unknown, middleware: Middleware, context: AttachmentContext): void {
  const namespace = toNamespace(target);
  if (contexts.get(namespace) === context) return;
  listen(namespace, context);
  namespace.use(middleware);
}

function toNamespace(target: unknown): Namespace {
  const { sockets, use, prependListener } = (target ?? {}) as Record<string, unknown>;
  // A server's `sockets` is its main namespace; a namespace's is the map of its sockets.
  const namespace = typeof (sockets as Partial<Namespace> | undefined)?.use === "function" ? sockets : target;
  if (namespace === target && (typeof use !== "function" || typeof prependListener !== "function")) {
    throw new SessionError("SESSION_OPTION_INVALID", "attach() takes a Socket.IO server or a namespace");
  }
  return namespace as Namespace;
}

function listen(namespace: Namespace, context: AttachmentContext): void {
  const attached = contexts.get(namespace);
  if (attached === context) return;
  if (attached) {
    throw new SessionError(
      "SESSION_OPTION_INVALID",
      `namespace ${namespace.name} has token sessions already`,
    );
  }
  // First, as it may refuse.
  context.onAttach(namespace);
  contexts.set(namespace, context);
  // "connect" comes before "connection", and first in line means before every listener of the application.
  namespace.prependListener("connect", (socket: Socket) => connected(socket, context));
}

const isAttached = (namespace: Namespace) => contexts.has(namespace);

function refuseAttached(connection: Socket["conn"], namespace: Namespace): void {
  const log = contexts.get(namespace)?.registry.log;
  if (log) refuseConnection(connection, log);
}

/**
 * Runs for each new socket before it connects. Calls `next` once or, where the socket must come back later,
 * not at all.
 */
async function enter(socket: Socket, next: () => void, context: AttachmentContext): Promise<void> {
  if (isConnectionRefused(socket)) return forget(socket);
  if (!attachments.has(socket)) {
    const attachment = new Attachment(socket, context);
    attachments.set(socket, attachment);
    // Never `next(error)`: after that a client does not come back by itself. The transport has been closed
    // instead.
    if (!(await attachment.begin()) || isConnectionRefused(socket)) return forget(socket);
    next();
    return watchConnecting(socket.conn, attachment);
  }
  next();
}

function connected(socket: Socket, context: AttachmentContext): void {
  const attachment = attachments.get(socket);
  if (attachment) {
    attachment.start();
    return attachment.confirmRecovery();
  }
  // Socket.IO recovered this socket and skipped the middleware; its session is verified before its events go
  // on.
  installOnSockets(Object.getPrototypeOf(socket));
  const recovered = new Attachment(socket, context);
  attachments.set(socket, recovered);
  recovered.start();
  void recovered.begin();
  recovered.confirmRecovery();
}
