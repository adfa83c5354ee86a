import { doNothing } from "./mint-lock.js";
import type { ClientEvents } from "./types.js";

/** Those who listen to one session. */
export function createEvents() {
  const listeners = new Set<(name: string, content: never) => unknown>();
  return {
    listen<Name extends keyof ClientEvents>(event: Name, listener: (content: ClientEvents[Name]) => void) {
      const hear = (name: string, content: never) =>
        // It may have been stopped since the event was told.
        name === event && listeners.has(hear) && listener(content);
      listeners.add(hear);
      return () => listeners.delete(hear);
    },

    emit<Name extends keyof ClientEvents>(name: Name, content: ClientEvents[Name]) {
      // In a turn of its own, so that a listener that throws stops nothing here.
      for (const hear of listeners) doNothing().then(() => hear(name, content as never));
    },
  };
}
