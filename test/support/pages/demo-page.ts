import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { WAIT_AT_MOST_MS } from "./browser.js";

/** The demo's page in one tab, by what a person sees of it. */
export class DemoPage {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  /** Resolves when the element is to be seen and shows this, if a string exactly. */
  async shows(id: string, text: string | RegExp): Promise<void> {
    const hasText = typeof text === "string" ? new RegExp(`^${escapeRegExp(text)}$`) : text;
    await this.#page.locator(`#${id}`).filter({ hasText }).waitFor();
  }

  /** Resolves when this has been said, now or earlier (which a phone shows on demand). */
  async said(hasText: RegExp): Promise<void> {
    await this.#page.locator(".step").filter({ hasText }).first().waitFor({ state: "attached" });
  }

  /** Resolves when the page has its session, and the visit is counted. */
  async ready(visits: number): Promise<void> {
    await this.shows("connection", "Connected");
    await this.shows("visits", String(visits));
  }

  async sessionId(): Promise<string> {
    return (await this.#page.locator("#session-id").textContent()) ?? "";
  }

  /** Resolves when the list has exactly these devices, in this order, and of each all that is asked for. */
  async listsDevices(...expected: readonly { id: string; shows: readonly string[] }[]): Promise<void> {
    await this.#page.waitForFunction((wanted) => {
      const items = [...document.querySelectorAll<HTMLElement>("#device-list li")];
      return (
        items.length === wanted.length &&
        wanted.every(({ id, shows }, index) => {
          const item = items[index];
          return (
            item?.dataset["session"] === id &&
            item.checkVisibility() &&
            shows.every((text) => item.innerText.includes(text))
          );
        })
      );
    }, expected);
  }

  signOut(sessionId: string): Promise<void> {
    return this.#page
      .locator(`#device-list li[data-session="${sessionId}"]`)
      .getByRole("button", { name: /^Sign out / })
      .click();
  }

  /** Resolves when the page shows another session than this one. */
  otherThan(sessionId: string): Promise<void> {
    return this.shows("session-id", new RegExp(`^(?!${sessionId})[0-9a-f]{32}$`));
  }

  /** What the client script keeps: the whole token. */
  token(): Promise<string> {
    return this.#page.evaluate(
      () => localStorage.getItem(`socket.io-token-session.${location.origin.replace(/[^\w.-]/g, "_")}`) ?? "",
    );
  }

  /** Elements whose content is wider than they are. */
  tooWide(): Promise<string[]> {
    return this.#page.evaluate(() =>
      [document.documentElement, ...document.querySelectorAll("body, main, main *, aside, aside *")]
        .filter(({ scrollWidth, clientWidth }) => clientWidth > 0 && scrollWidth > clientWidth)
        .map(({ tagName, id }) => `${tagName}#${id}`),
    );
  }

  async logIn(name: string): Promise<void> {
    await this.#page.getByLabel("Your name").fill(name);
    await this.click("Log in");
  }

  click(button: string): Promise<void> {
    return this.#page.getByRole("button", { name: button, exact: true }).click();
  }
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** A device of its own (storage and all) that keeps what goes wrong in its pages. */
export async function newDevice(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<{ context: BrowserContext; wrong: string[] }> {
  const context = await browser.newContext({ locale: "en-GB", ...options });
  context.setDefaultTimeout(WAIT_AT_MOST_MS);
  const wrong: string[] = [];
  context.on("weberror", (error) => wrong.push(error.error().message));
  context.on("console", (message) => {
    // Connections that fail while the server is away are no fault of the page.
    if (message.type() === "error" && !message.text().includes("net::ERR_")) wrong.push(message.text());
  });
  return { context, wrong };
}
