/**
 * `io.connectWithSession(url)`, for apps that call it.
 *
 * @module
 */
// By the entry, so that there is one of it in an application.
import { tokenSession } from "./index.js";
import type { ClientOptions, ClientSocket } from "./types.js";

/** `io` of socket.io-client, by what is used of it. */
// biome-ignore lint/suspicious/noExplicitAny: the options are socket.io-client's own.
export type Io<Socket extends ClientSocket> = (url: any, options?: any) => Socket;

/**
 * Gives `io` the function that apps written for Socket.IO-sessions call: it connects as `io(url, options)`
 * does, with a session. The session is the one that `tokenSession(socket)` gives. The script-tag file does
 * this by itself, if it comes after Socket.IO's.
 *
 * @example
 * import { io } from "socket.io-client";
 * addConnectWithSession(io);
 * const socket = io.connectWithSession("https://your.server");
 */
export function addConnectWithSession<Socket extends ClientSocket, Given extends Io<Socket>>(
  io: Given & Io<Socket>,
  sessionOptions?: ClientOptions,
): asserts io is Given &
  Io<Socket> & {
    /** As `io`, with a session. */
    connectWithSession: Io<Socket>;
  } {
  (io as { connectWithSession?: Io<Socket> }).connectWithSession = (url, options) => {
    const socket = io(url, options);
    tokenSession(socket, sessionOptions);
    return socket;
  };
}
