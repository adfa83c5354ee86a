import type { ClientEvents, ClientSocket, SessionState } from "./types.js";

/**
 * How long a connection may take to show that it is alive: longer than a server takes to say that its
 * database is away.
 */
const ALIVE_WITHIN_MS = 12_000;

/** What is used of a socket's manager besides its type in socket.io-client. */
export interface Manager {
  readonly uri: string;
  readonly engine: object;
}

/**
 * One socket's connections, one after the other, and the state that they are in. `onChange` hears of each
 * change of it.
 */
export function createConnections(socket: ClientSocket, onChange: (content: ClientEvents["state"]) => void) {
  /** As long as Socket.IO connects by itself. */
  let state: SessionState = "waiting";
  /** Each connection has its number: what belongs to an earlier one is neither answered nor believed. */
  let number = 0;
  /** Disconnected by the client itself, to connect again in a moment. */
  let comesBack: boolean | undefined;

  let told: SessionState;

  const connections = {
    readState: () => (socket.active || comesBack ? state : "ended"),

    /** To be called where Socket.IO may have begun, or given up, to connect by itself. */
    emitState() {
      if (!socket.active) connections.dropConnection();
      const previous = told;
      told = connections.readState();
      if (told !== previous) onChange({ state: told, previous });
    },

    setState(next: SessionState) {
      state = next;
      connections.emitState();
    },

    /** There is no connection, or not the one of before. It is left to the caller to tell the state. */
    dropConnection() {
      number++;
      state = "waiting";
    },

    /**
     * Whether the connection is still the one of now. Socket.IO tells of each one that goes, and `emitState`
     * sees to the others.
     */
    guardConnection(): () => boolean {
      const mine = number;
      return () => mine === number;
    },

    /** Unless there is another connection by then. */
    scheduleStep(step: () => unknown, ms?: number | false) {
      const isCurrent = connections.guardConnection();
      setTimeout(() => isCurrent() && step(), ms as number);
    },

    ensureConnecting: () => socket.active || socket.connect(),

    /**
     * In two steps, so that all sockets of a connection have taken the first: only then is a new one made,
     * and at once. Unless the application connects, or disconnects, in between.
     */
    reopen() {
      disconnect(connections);
      setTimeout(() => comesBack && socket.connect());
    },

    /**
     * For an app that comes to the front: connects at once, or has the token presented, and makes a new
     * connection if no answer comes.
     */
    checkAlive(present: () => unknown) {
      if (globalThis.document?.hidden) return;
      if (socket.connected) {
        if (state === "open") {
          connections.setState("opening");
          connections.scheduleStep(present);
          connections.scheduleStep(() => state === "opening" && connections.reopen(), ALIVE_WITHIN_MS);
        }
        // Two CONNECTs on one connection would be two sockets on the server.
      } else if (socket.active && state !== "opening") connections.reopen();
    },
  };

  // Where there is no connection, Socket.IO tells nobody of these. `by`: nobody else can give it.
  const emitting = (act: () => unknown) => (by?: unknown) => {
    comesBack = by === connections;
    act.call(socket);
    connections.emitState();
    return socket;
  };
  socket.connect = emitting(socket.connect);
  const disconnect = emitting(socket.disconnect);
  socket.disconnect = disconnect;
  told = connections.readState();
  return connections;
}
