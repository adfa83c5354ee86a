type Rooms = Map<string, Set<string>>;

/** To whom something is sent. */
export interface Recipient {
  readonly kind: "user" | "session";
  readonly id: string;
}

const PREFIX = "tokenSession/";
const KINDS = ["user", "session"] as const;

/**
 * The names by which an adapter carries it. Two, of which the second is nobody's: what goes to one room,
 * adapters may send by a way of its own, to those who joined it, and without asking what is here.
 */
export function roomNamesOf({ kind, id }: Recipient): [name: string, nobody: string] {
  return [`${PREFIX}${kind}/${id}`, `${PREFIX}/${kind}/${id}`];
}

/** Whether a room's name is one of ours. */
export function isVirtualRoom(room: unknown): boolean {
  return typeof room === "string" && room.startsWith(PREFIX);
}

function recipientOf(name: string): Recipient | undefined {
  const kind = KINDS.find((each) => name.startsWith(`${each}/`, PREFIX.length));
  return kind && { kind, id: name.slice(PREFIX.length + kind.length + 1) };
}

/**
 * The rooms of an adapter, in which those with a name of ours have no list: who is in one is found out when
 * it is asked. So who joins one, or is put into it, is not in it, nobody can be taken out, and it is shown in
 * no list of rooms.
 */
export class VirtualRooms extends Map<string, Set<string>> implements Rooms {
  readonly #findSockets: (recipient: Recipient) => Set<string>;

  constructor(rooms: Rooms, findSockets: (recipient: Recipient) => Set<string>) {
    super();
    this.#findSockets = findSockets;
    for (const [room, ids] of rooms) if (!isVirtualRoom(room)) this.set(room, ids);
  }

  override has(room: string): boolean {
    return isVirtualRoom(room) || super.has(room);
  }

  override get(room: string): Set<string> | undefined {
    if (!isVirtualRoom(room)) return super.get(room);
    const recipient = recipientOf(room);
    // A new one each time: whatever an adapter adds to it is lost.
    return recipient ? this.#findSockets(recipient) : new Set();
  }
}
