import type { ClientEvents } from "./types.js";

/** Those who listen to one session. */
export function eventsOfSession() {
  const listeners = new Set<[event: string, listener: (content: never) => void]>();
  return {
    listen<Name extends keyof ClientEvents>(event: Name, listener: (content: ClientEvents[Name]) => void) {
      const entry: [string, typeof listener] = [event, listener];
      listeners.add(entry);
      return () => listeners.delete(entry);
    },

    emit<Name extends keyof ClientEvents>(name: Name, content: ClientEvents[Name]) {
      // In a turn of its own, so that a listener that throws stops nothing here.
      for (const [event, listener] of listeners)
        if (event === name) Promise.resolve(content as never).then(listener);
    },
  };
}
