import { afterAll, afterEach, beforeAll, beforeEach, expect } from "@jest/globals";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { connectToBrowser } from "./browser.js";
import { DemoPage, newDevice } from "./demo-page.js";

export interface DevicePage {
  readonly context: BrowserContext;
  readonly tab: Page;
  /** The tab by what a person sees of it. */
  readonly page: DemoPage;
}

/**
 * To be called once at the top of `describeInBrowser`: an empty tab on a new device for each test, in which
 * nothing may go wrong.
 */
export function useDevicePage(): DevicePage {
  let browser: Browser;
  let context: BrowserContext;
  let wrong: string[];
  let tab: Page;
  beforeAll(async () => {
    browser = await connectToBrowser();
  });
  afterAll(() => browser?.close());
  beforeEach(async () => {
    ({ context, wrong } = await newDevice(browser));
    tab = await context.newPage();
  });
  afterEach(async () => {
    await context.close();
    expect(wrong).toEqual([]);
  });
  return {
    get context() {
      return context;
    },
    get tab() {
      return tab;
    },
    get page() {
      return new DemoPage(tab);
    },
  };
}
