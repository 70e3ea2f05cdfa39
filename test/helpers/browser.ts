import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import { findProgram } from "../../scripts/setup.js";

interface PageOptions {
  /** Of the window, in pixels; a narrow one is as high as that of a telephone. */
  width?: number;
  isDark?: boolean;
}

export interface TestBrowser {
  /** Opens an address in a tab without cookies and storage of others. */
  open: (address: string, options?: PageOptions) => Promise<Page>;
  /** Errors of scripts, and what the console reports, of all pages. A refused request is not among them. */
  faults: string[];
}

/** Starts a browser before the tests of a `describe`, and ends it after them. */
export function useBrowser(): TestBrowser {
  let browser: Browser;
  const faults: string[] = [];
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: findProgram("chromium")!,
      args: ["--no-sandbox", "--disable-dev-shm-usage"],
    });
  });
  afterAll(() => browser.close());
  return {
    faults,
    async open(address, { width = 1280, isDark = false } = {}) {
      const context = await browser.newContext({
        viewport: { width, height: width < 500 ? 844 : 800 },
        colorScheme: isDark ? "dark" : "light",
        timezoneId: "UTC",
      });
      const page = await context.newPage();
      page.on("pageerror", (error) => faults.push(error.message));
      page.on("console", (message) => {
        const isAnswer = message.text().startsWith("Failed to load resource"); // also if a server has ended
        if (message.type() === "error" && !isAnswer) faults.push(message.text());
      });
      await page.goto(address);
      return page;
    },
  };
}

/** Returns whether a page has to be scrolled to the right. */
export async function isWiderThanWindow(page: Page): Promise<boolean> {
  return await page.evaluate<boolean>("document.documentElement.scrollWidth > innerWidth");
}

/** The sizes and colours in which pages are checked. */
export const APPEARANCES = [390, 1280, 1440].flatMap((width) =>
  [false, true].map((isDark) => ({ width, isDark })),
);
