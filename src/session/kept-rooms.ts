import { wrongOption } from "../base/option-table.js";

/** Names that one logout may keep: they go to other servers with the word of it. */
const MOST = 100;
const LONGEST = 256;
const NONE: ReadonlySet<string> = new Set();

/** Of all that run now. */
const keptRooms = new WeakMap<object, Set<ReadonlySet<string>>>();

/** Checks what an application gives as `keepRooms`. Errors: `SESSION_OPTION_INVALID`. */
export function toRoomNames(names: unknown): ReadonlySet<string> {
  if (names === undefined) return NONE;
  if (!Array.isArray(names) || names.length > MOST || !names.every(isName))
    throw wrongOption("keepRooms", `a list of at most ${MOST} names of up to ${LONGEST} characters`, names);
  return new Set(names);
}

/**
 * What another server says that it keeps. Other versions of this library may send what this one does not
 * know.
 */
export function parseRoomNames(names: unknown): ReadonlySet<string> {
  return Array.isArray(names) ? new Set(names.slice(0, MOST).filter(isName)) : NONE;
}

function isName(name: unknown): name is string {
  return typeof name === "string" && name.length <= LONGEST;
}

/** The rooms that the sockets of a session stay in when its login ends now. */
export function getKeptRooms(session: object): ReadonlySet<string> {
  const [first = NONE, ...others] = keptRooms.get(session) ?? [];
  return others.length === 0 ? first : new Set([first, ...others].flatMap((rooms) => [...rooms]));
}

/**
 * While `run` runs, a login of this session that ends keeps these rooms. Several may run at a time, and end
 * in any order: each leaves those of the others as they are.
 */
export async function withKeptRooms<Result>(
  session: object,
  rooms: ReadonlySet<string>,
  run: () => Promise<Result>,
): Promise<Result> {
  if (rooms.size === 0) return run();
  const all = keptRooms.get(session) ?? new Set();
  keptRooms.set(session, all.add(rooms));
  try {
    return await run();
  } finally {
    all.delete(rooms);
    if (all.size === 0 && keptRooms.get(session) === all) keptRooms.delete(session);
  }
}
