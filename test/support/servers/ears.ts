import type { Namespace, Server, Socket } from "socket.io";

/** What a socket's listeners of all kinds have heard: the kind, and the event's name. */
export type Heard = readonly [kind: string, event: unknown];

/** The names of the library's own events. */
export const OWN_EVENTS = ["getToken", "gotToken", "tokenChanged", "sessionEnd"];

/**
 * Listens to a socket in every way in which an application can hear of all its events: the four kinds of
 * catch-all listeners, middleware, handlers of the very names, and the wildcard of old, which puts itself in
 * the place of `onevent`.
 */
export function listenInAllWays(socket: Socket, hear: (heard: Heard, args: unknown[]) => void): void {
  const as =
    (kind: string) =>
    (event: unknown, ...args: unknown[]) =>
      hear([kind, event], args);
  socket.onAny(as("onAny"));
  socket.prependAny(as("prependAny"));
  socket.onAnyOutgoing(as("onAnyOutgoing"));
  socket.prependAnyOutgoing(as("prependAnyOutgoing"));
  socket.use(([event, ...args], next) => {
    hear(["use", event], args);
    next();
  });
  for (const name of OWN_EVENTS) socket.on(name, (...args) => hear(["on", name], args));
  const internals = socket as unknown as { onevent(packet: { data: unknown[] }): void };
  const { onevent } = internals;
  internals.onevent = function (packet) {
    const [event, ...args] = packet.data;
    hear(["onevent", event], args);
    onevent.call(this, packet);
  };
}

/** Adds what an application does with a socket to a namespace: it says so at once, and answers `say`. */
export function speak(namespace: Server | Namespace): void {
  namespace.on("connection", (socket: Socket) => {
    socket.emit("welcome");
    socket.on("say", (done: () => void) => done());
    socket.on("login", async (done: (code: string) => void) => {
      await socket.session.login("ada").then(
        () => done(""),
        ({ code }) => done(code),
      );
    });
    socket.on("logout", async (done: () => void) => {
      await socket.session.logout();
      done();
    });
    socket.on("destroy", () => void socket.session.destroy());
  });
}
