import type { BrowserContext, Page } from "playwright-core";

/**
 * Makes the pages of a browser profile believe that they are in a Capacitor app on Android: the native side
 * of Preferences and of App is here, outside the page, and so outlives it. Gives what Preferences keeps.
 */
export async function capacitorPhone(context: BrowserContext): Promise<Map<string, string>> {
  const kept = new Map<string, string>();
  const preferences: Record<string, (options: { key: string; value: string }) => unknown> = {
    get: ({ key }) => ({ value: kept.get(key) ?? null }),
    set: ({ key, value }) => void kept.set(key, value),
    remove: ({ key }) => void kept.delete(key),
  };
  await context.exposeFunction("native", (method: string, options: { key: string; value: string }) =>
    preferences[method]?.(options),
  );
  await context.addInitScript(() => {
    const listeners: [event: string, callback: () => void][] = [];
    const method = (name: string, rtype: string) => ({ name, rtype });
    Object.assign(window, {
      androidBridge: {},
      Capacitor: {
        PluginHeaders: [
          { name: "Preferences", methods: ["get", "set", "remove"].map((name) => method(name, "promise")) },
          { name: "App", methods: [method("addListener", "callback")] },
        ],
        nativePromise: (_plugin: string, method: string, options: object) =>
          (window as unknown as Native).native(method, options),
        async nativeCallback(
          _plugin: string,
          _method: string,
          { eventName }: { eventName: string },
          callback: () => void,
        ) {
          listeners.push([eventName, callback]);
          return String(listeners.length);
        },
      },
      appEvent(name: string) {
        for (const [event, callback] of listeners) if (event === name) callback();
      },
    });
  });
  return kept;
}

interface Native {
  native(method: string, options: object): Promise<unknown>;
  appEvent(name: string): void;
}

/** What the native side says when the app has come to the front. */
export function appResumes(page: Page): Promise<void> {
  return page.evaluate(() => (window as unknown as Native).appEvent("resume"));
}
