import { Namespace, Socket } from "socket.io";
import { SessionError } from "../errors.js";
import type { SessionHandle } from "../handle/handle.js";
import { GET_TOKEN } from "../wire.js";
import type { Attachment } from "./attachment.js";
import { attachments } from "./attachment.js";
import { hideTokenCookies } from "./handshake-cookies.js";
import { afterCleanups, beforeHandshakes, interceptEvent } from "./internals.js";

/** What to do with a namespace that is given one of our middlewares by `use`. */
const onUse = new WeakMap<object, (namespace: Namespace) => void>();

/**
 * Gives sockets their `session`, and lets `namespace.use(middleware)` attach the namespace whole: Socket.IO
 * does not run middleware for recovered sockets, and tells a middleware nothing of the namespace it was added
 * to.
 */
export function install(middleware: object, attach: (namespace: Namespace) => void): void {
  onUse.set(middleware, attach);
  installOnSockets(Socket.prototype);
  installUse(Namespace.prototype);
}

/** Also for sockets of a second copy of socket.io in the application's node_modules. */
export function installOnSockets(prototype: Socket): void {
  if (Object.hasOwn(prototype, "session")) return;
  interceptEvent(prototype, GET_TOKEN, receiveToken);
  beforeHandshakes(prototype, hideTokenCookies);
  afterCleanups(prototype, closeOnCleanup);
  Object.defineProperty(prototype, "session", {
    configurable: true,
    get(this: Socket): SessionHandle {
      const attachment = attachments.get(this);
      if (!attachment) throw notAttached(this);
      return attachment.handle;
    },
    // A namespace without token sessions may keep something of its own under this name.
    set(this: Socket, value: unknown) {
      if (attachments.has(this)) throw new TypeError("socket.session is read-only");
      Object.defineProperty(this, "session", { configurable: true, enumerable: true, writable: true, value });
    },
  });
  Object.defineProperty(prototype, "withSession", {
    configurable: true,
    writable: true,
    // Not async: that would wrap a promise whose rejection is handled in one whose rejection is not.
    value(this: Socket, handler: never, ...onMissing: [] | [unknown]): Promise<unknown> {
      const attachment = attachments.get(this);
      return attachment?.withSession(handler, onMissing) ?? Promise.reject(notAttached(this));
    },
  });
}

/** The token that a client presents is for its attachment alone. */
function receiveToken(socket: Socket, event: unknown[]): boolean {
  const attachment = attachments.get(socket);
  attachment?.receiveToken(event);
  return attachment !== undefined;
}

/** Also of a socket that never connected, because a middleware after ours refused it. */
function closeOnCleanup(socket: Socket): void {
  const attachment = attachments.get(socket);
  if (!attachment) return;
  // The application may have taken away the listener to "disconnect", which comes next.
  if (socket.connected) process.nextTick(close, attachment);
  else attachment.close();
}

function close(attachment: Attachment): void {
  attachment.close();
}

function notAttached(socket: Socket): SessionError {
  return new SessionError("SESSION_NOT_ATTACHED", `namespace ${socket.nsp.name}`);
}

const wrapped = new WeakSet<object>();

function installUse(prototype: Namespace): void {
  if (wrapped.has(prototype)) return;
  wrapped.add(prototype);
  const { use } = prototype;
  prototype.use = function (this: Namespace, middleware) {
    const result = use.call(this, middleware);
    onUse.get(middleware)?.(this);
    return result;
  };
}
