import type { Namespace } from "socket.io";

/** Asked with each write. */
const reaching = new WeakMap<Namespace["adapter"], boolean>();

/** Socket.IO's own in-memory adapter only prints a warning when it is to reach other servers. */
export function hasClusterAdapter({ adapter }: Namespace): boolean {
  let reaches = reaching.get(adapter);
  if (reaches === undefined) {
    reaches = isOverridden(adapter, "serverSideEmit");
    reaching.set(adapter, reaches);
  }
  return reaches;
}

/**
 * Whether an adapter has a method of its own in place of that of the class which all adapters are made of.
 */
export function isOverridden(adapter: object, method: string): boolean {
  let base = adapter;
  for (let next = Object.getPrototypeOf(base); next; next = Object.getPrototypeOf(next)) {
    if (Object.hasOwn(next, method)) base = next;
  }
  return Reflect.get(adapter, method) !== Reflect.get(base, method);
}
