import type { SessionRegistry } from "./registry.js";

const registries = new WeakMap<object, SessionRegistry>();

/** Has {@link registryOf} find the registry of token sessions. @internal */
export function setRegistry(sessions: object, registry: SessionRegistry): void {
  registries.set(sessions, registry);
}

/** What is behind token sessions: for the stores in `cookie-sessions/`, and for tests. @internal */
export function registryOf(sessions: object): SessionRegistry | undefined {
  return registries.get(sessions);
}
