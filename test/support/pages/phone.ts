import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { listen } from "../listen.js";
import { DemoPage, newDevice } from "./demo-page.js";

const types: Record<string, string> = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };

/** Where the pages of an app come from: as in a WebView, another origin than its server's. */
export interface AppFiles {
  readonly origin: string;
  close(): Promise<void>;
}

/** @param read gives the app's file of such a name; throws if there is none */
export async function serveApp(read: (name: string) => string): Promise<AppFiles> {
  const server = createServer((request, response) => {
    const name = request.url === "/" ? "index.html" : (request.url ?? "").slice(1);
    try {
      const text = read(name);
      response.setHeader("Content-Type", `${types[path.extname(name)]}; charset=utf-8`).end(text);
    } catch {
      response.writeHead(404).end();
    }
  });
  const port = await listen(server);
  return {
    origin: `http://127.0.0.1:${port}`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** A folder's files, as {@link serveApp} takes them. */
export const filesOf = (folder: string) => (name: string) => readFileSync(path.join(folder, name), "utf8");

/** A browser profile of a phone's size. */
export interface Phone {
  readonly context: BrowserContext;
  /** What has gone wrong in its pages. */
  readonly wrong: string[];
  /** Opens the app, or another page of it. */
  open(how?: { before?: (page: Page) => Promise<unknown> }): Promise<AppPage>;
}

export async function startPhone(browser: Browser, { origin }: AppFiles): Promise<Phone> {
  const { context, wrong } = await newDevice(browser, { viewport: { width: 390, height: 844 } });
  return {
    context,
    wrong,
    async open({ before } = {}) {
      const tab = await context.newPage();
      await before?.(tab);
      await tab.goto(origin);
      return new AppPage(tab);
    },
  };
}

/** For {@link AppPage.comesBackAtOnce}. */
export const stoppableClock = { before: (page: Page) => page.clock.install() };

/** The page of an example app, by what a person sees of it. */
export class AppPage extends DemoPage {
  readonly tab: Page;

  constructor(tab: Page) {
    super(tab);
    this.tab = tab;
  }

  /** Resolves when the app has its session, and so many taps are in it. */
  async has(taps: number): Promise<void> {
    await this.shows("connection", "Connected");
    await this.shows("taps", String(taps));
  }

  /**
   * Resolves when the app, opened with {@link stoppableClock}, has come back without a pause: the one before
   * the next attempt passes on the page's clock, which stands still here.
   */
  async comesBackAtOnce(restart: () => Promise<unknown>, resume: () => Promise<unknown>): Promise<void> {
    await this.tab.clock.pauseAt(Date.now() + 10_000);
    await restart();
    await this.shows("connection", "Reconnecting");
    await resume();
    // Less than the shortest pause, a step at a time: what is due at once makes more that is due at once.
    for (let ms = 0; ms < 400; ms++) {
      if ((await this.tab.locator("#connection").textContent()) === "Connected") break;
      await this.tab.clock.runFor(1);
    }
    await this.shows("connection", "Connected");
    await this.said(/^The app has come to the front/);
    // The clock is that of later pages too.
    await this.tab.clock.resume();
  }

  /** What localStorage holds. */
  stored(): Promise<Record<string, string>> {
    return this.tab.evaluate(() => ({ ...localStorage }));
  }
}
