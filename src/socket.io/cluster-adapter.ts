/** Whether an adapter has a method of its own in place of that of the class which all adapters are made of. */
export function overrides(adapter: object, method: string): boolean {
  let base = adapter;
  for (let next = Object.getPrototypeOf(base); next; next = Object.getPrototypeOf(next)) {
    if (Object.hasOwn(next, method)) base = next;
  }
  return Reflect.get(adapter, method) !== Reflect.get(base, method);
}
