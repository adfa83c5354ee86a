import { describe } from "@jest/globals";
import { type Browser, chromium } from "playwright-core";
import { notRun } from "../not-run.js";
import { offered } from "../offers.js";

/**
 * Where the browser of the run tells how to reach it (scripts/servers/browser-server.js), if there is one.
 */
const browser = await offered("browser");

/**
 * Guards against hanging, as Jest's `testTimeout` does. Less than that one, so that it is said what was
 * waited for.
 */
export const WAIT_AT_MOST_MS = 100_000;

/** `describe` where there is a browser; elsewhere the tests are skipped, and the runner is told. */
export function describeInBrowser(what: string, tests: () => void): void {
  if ("url" in browser) return describe(what, tests);
  notRun({ what, why: browser.missing, command: browser.command });
  describe.skip(what, tests);
}

/**
 * Connects to the one browser of the run. Each device is a context of its own; `close()` ends the contexts
 * made here, and leaves the browser running for others.
 */
export async function connectToBrowser(): Promise<Browser> {
  const answer = await fetch("url" in browser ? browser.url : "");
  const said = await answer.text();
  if (!answer.ok) throw new Error(`The browser did not start: ${said}`);
  return chromium.connect(said, { timeout: WAIT_AT_MOST_MS });
}
