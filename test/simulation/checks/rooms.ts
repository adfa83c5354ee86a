import type { AppSocket } from "../actors/application.js";
import type { Findings } from "./findings.js";

/** Rooms in which the application puts who is logged in as a user. */
export const roomOf = (userId: string) => `user:${userId}`;

/** A room that has nothing to do with who is in it. */
export const LOBBY = "lobby";

/**
 * Nobody is in the room of a user whom this node does not know to be logged in on that socket. Checked after
 * each step of a node. A socket whose token is just being replaced shows no session, and is in its rooms
 * until that is done.
 */
export function checkRooms(node: string, sockets: Iterable<AppSocket>, findings: Findings): void {
  for (const socket of sockets) {
    for (const room of socket.rooms) {
      if (!room.startsWith("user:")) continue;
      const { userId, id } = socket.session;
      if (id === undefined || (userId && roomOf(userId) === room)) continue;
      findings.add("room", `a socket of ${id} on ${node}, logged in as ${userId}, is in ${room}`);
    }
  }
}

/**
 * A token has been replaced, and who asked for that has been told: sockets that have not presented the new
 * one are in no room but their own.
 */
export function checkCut(node: string, sockets: Iterable<AppSocket>, findings: Findings): void {
  for (const { id, rooms, session } of sockets) {
    if (session.id === undefined && [...rooms].some((room) => room !== id))
      findings.add(
        "room",
        `a socket on ${node} has not presented its new token, and is in ${[...rooms].slice(1)}`,
      );
  }
}

/**
 * A logout that keeps a room has been acknowledged: the socket that asked for it is in no other one, and in that
 * one if it was. A login that was asked for later may be done by then: its room is that of who is logged in now.
 */
export function checkKept(
  node: string,
  { id, rooms, connected, session }: AppSocket,
  wasInLobby: boolean,
  findings: Findings,
): void {
  const { userId } = session;
  const isKept = (room: string) => room === id || room === LOBBY || (userId && room === roomOf(userId));
  const others = [...rooms].filter((room) => !isKept(room));
  if (others.length > 0) findings.add("room", `a socket on ${node} has been logged out, and is in ${others}`);
  if (wasInLobby && connected && !rooms.has(LOBBY))
    findings.add(
      "room",
      `a socket on ${node} has been logged out, and has lost the room that it was to keep`,
    );
}
