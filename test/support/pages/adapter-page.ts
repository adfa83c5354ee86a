import { createServer, type Server } from "node:http";
import path from "node:path";
import { build } from "esbuild";
import type { Browser, BrowserContext, Page } from "playwright-core";
import type { DeviceStorage } from "../../../client/adapters/device-storage.js";
import { listen } from "../listen.js";
import { connectToBrowser, WAIT_AT_MOST_MS } from "./browser.js";

const folder = path.resolve(import.meta.dirname, "../../browser/adapters/pages");

/** One file of test/browser/adapters/pages with all it imports, as the bundler of an app makes it. */
export async function bundlePage(name: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [path.join(folder, `${name}.ts`)],
    bundle: true,
    write: false,
    format: "iife",
    target: "es2018",
    logLevel: "warning",
  });
  return outputFiles[0]?.text ?? "";
}

/** Pages of an app, each with a browser profile of its own, served over HTTP. */
export class AdapterPages {
  readonly #browser: Browser;
  readonly #server: Server;
  readonly #origin: string;
  readonly #pages = new Map<string, readonly string[]>();
  #contexts: BrowserContext[] = [];

  private constructor(browser: Browser, server: Server, origin: string) {
    this.#browser = browser;
    this.#server = server;
    this.#origin = origin;
    server.on("request", (request, response) => {
      const url = new URL(request.url ?? "", origin);
      const [, page = "", script] = url.pathname.split("/");
      const scripts = this.#pages.get(page) ?? [];
      if (script) {
        response.setHeader("Content-Type", "text/javascript; charset=utf-8").end(scripts[Number(script)]);
        return;
      }
      // A page without an origin has no localStorage: to name it throws.
      if (url.searchParams.has("sandbox")) {
        response.setHeader("Content-Security-Policy", "sandbox allow-scripts");
      }
      const tags = scripts.map((_, index) => `<script src="/${page}/${index}"></script>`);
      response.setHeader("Content-Type", "text/html; charset=utf-8");
      response.end(`<!doctype html><title>app</title>${tags.join("")}`);
    });
  }

  static async start(): Promise<AdapterPages> {
    const server = createServer();
    const port = await listen(server);
    return new AdapterPages(await connectToBrowser(), server, `http://127.0.0.1:${port}`);
  }

  /** Opens a page that runs these scripts one after the other. */
  async open(
    scripts: readonly string[],
    { before }: { before?: (page: Page) => Promise<unknown> } = {},
  ): Promise<Page> {
    const name = `page${this.#pages.size}`;
    this.#pages.set(name, scripts);
    const context = await this.#browser.newContext();
    context.setDefaultTimeout(WAIT_AT_MOST_MS);
    this.#contexts.push(context);
    const page = await context.newPage();
    await before?.(page);
    await page.goto(`${this.#origin}/${name}/`);
    return page;
  }

  /** The same page where the browser allows no storage. */
  forbidStorage(page: Page): Promise<unknown> {
    return page.goto(`${page.url()}?sandbox`);
  }

  async closePages(): Promise<void> {
    for (const context of this.#contexts) await context.close();
    this.#contexts = [];
    this.#pages.clear();
  }

  async close(): Promise<void> {
    await this.closePages();
    await this.#browser.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** `window.storage` of the page. */
export function storageOf(page: Page): DeviceStorage {
  const call = (method: keyof DeviceStorage, ...values: string[]) =>
    page.evaluate(
      ([method, values]) => {
        const { storage } = window as unknown as {
          storage: Record<string, (...values: string[]) => unknown>;
        };
        return storage[method]?.(...values);
      },
      [method, values] as const,
    );
  return {
    getItem: (key) => call("getItem", key) as Promise<string | null>,
    setItem: (key, value) => call("setItem", key, value),
    removeItem: (key) => call("removeItem", key),
    getKeys: () => call("getKeys") as Promise<string[]>,
  };
}

/** Name of what {@link fillLocalStorage} stores, with a number after it. */
const FILLING = "filling";

/**
 * Fills localStorage until nothing as long as a token fits any more. In pieces, each stored once: one value
 * that grows would be written, and handed to the browser's other processes, as a whole each time.
 */
export function fillLocalStorage(page: Page): Promise<void> {
  return page.evaluate((name) => {
    for (let size = 4_194_304, n = 0; size >= 1; ) {
      try {
        localStorage.setItem(name + n, "x".repeat(size));
        n++;
      } catch {
        size /= 2;
      }
    }
  }, FILLING);
}

/** Takes away what {@link fillLocalStorage} has stored. */
export function makeRoom(page: Page): Promise<void> {
  return page.evaluate((name) => {
    for (const key of Object.keys(localStorage)) if (key.startsWith(name)) localStorage.removeItem(key);
  }, FILLING);
}
