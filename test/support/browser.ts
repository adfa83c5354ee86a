import { describe } from "@jest/globals";
import { type Browser, chromium } from "playwright-core";
import { notRun } from "./not-run.js";

/** The browser that the runner gives (scripts/browser.js), if there is one. */
const given = process.env["TEST_BROWSER"];

/** `describe` where there is a browser; elsewhere the tests are skipped, and the runner is told. */
export function describeInBrowser(what: string, tests: () => void): void {
  if (given) return describe(what, tests);
  notRun({ what, why: "TEST_BROWSER names no browser", command: "CHROME_PATH=/path/to/chrome npm test" });
  describe.skip(what, tests);
}

export function launchBrowser(): Promise<Browser> {
  const { path, args, env } = JSON.parse(given ?? "{}") as {
    path: string;
    args: string[];
    env: Record<string, string>;
  };
  const environment = Object.entries({ ...process.env, ...env }).filter(([, value]) => value !== undefined);
  return chromium.launch({
    executablePath: path,
    args,
    env: Object.fromEntries(environment) as Record<string, string>,
  });
}
