import { describe } from "@jest/globals";
import { type Browser, chromium } from "playwright-core";
import { notRun } from "../not-run.js";

/** Where the runner tells how to reach its browser (scripts/servers/browser-server.js), if there is one. */
const given = process.env["TEST_BROWSER"];

/** Guards against hanging, as Jest's `testTimeout` does. Less than that one, so that it is said what was waited for. */
export const WAIT_AT_MOST_MS = 100_000;

/** `describe` where there is a browser; elsewhere the tests are skipped, and the runner is told. */
export function describeInBrowser(what: string, tests: () => void): void {
  if (given) return describe(what, tests);
  notRun({ what, why: "TEST_BROWSER names no browser", command: "CHROME_PATH=/path/to/chrome npm test" });
  describe.skip(what, tests);
}

/**
 * Connects to the one browser of the run. Each device is a context of its own; `close()` ends the contexts made here, and leaves the
 * browser running for others.
 */
export async function connectToBrowser(): Promise<Browser> {
  const answer = await fetch(given ?? "");
  const said = await answer.text();
  if (!answer.ok) throw new Error(`The browser did not start: ${said}`);
  return chromium.connect(said, { timeout: WAIT_AT_MOST_MS });
}
