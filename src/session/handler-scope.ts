import { AsyncLocalStorage } from "node:async_hooks";

/**
 * Holds the draft of a handler as long as calls inside still join it. Work that began inside may go on for
 * ever, and so does this; whatever such work leads to must not keep the session alive, and by it the one
 * before, and so on.
 */
export interface HandlerScope {
  draft: object | undefined;
}

/** What the running handler and those around it have in hand. */
export const handlerScopes = new AsyncLocalStorage<readonly HandlerScope[]>();

/** Runs `tell` as if no handler were around: what it calls joins no draft. */
export function runOutsideHandlers(tell: () => void): void {
  handlerScopes.exit(tell);
}
