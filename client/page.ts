/**
 * What may concern any session: the page comes to the front, the network is back, a token has been stored by
 * another tab.
 */
export type PageEvent = Partial<Pick<StorageEvent, "storageArea" | "key" | "newValue">>;

/** Those who hear of it. Left by sessions whose sockets are out, so that nothing else keeps them. */
export const pageListeners = new Set<(event: PageEvent) => void>();

export function notifyListeners(event: PageEvent): void {
  for (const hear of pageListeners) hear(event);
}

// On the document too, where Cordova and Capacitor say "resume". None of it is there in Node and React
// Native.
for (const type of ["storage", "online", "resume", "visibilitychange"]) {
  globalThis.addEventListener?.(type, notifyListeners as never);
  globalThis.document?.addEventListener?.(type, notifyListeners as never);
}
