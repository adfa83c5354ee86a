/** What the sockets of one `tokenSession()` are counted for. */
export interface SocketCounts {
  /** Connected sockets that have their session side, with a session or without. */
  attached: number;
  /** Events of theirs that wait. */
  heldEvents: number;
}

export function newSocketCounts(): SocketCounts {
  return { attached: 0, heldEvents: 0 };
}
