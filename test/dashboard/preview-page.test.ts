import { expect, it } from "vitest";
import { accessibilityFaults } from "../helpers/axe.ts";
import { APPEARANCES, isWiderThanWindow, useBrowser } from "../helpers/browser.ts";
import { madeAloha, madeDashboard } from "../helpers/made-dashboard.ts";
import { describeWithService } from "../helpers/services.ts";

const RUN = "/campaigns/abcdefgh?run=0";
const VECTOR = `${RUN}&preview=vector:Aloha.server.delay:vector`;
const HISTOGRAM = `${RUN}&preview=histogram:Aloha.server.uneven:histogram`;

describeWithService("chromium", "the figure of a vector or histogram", () => {
  const { open, faults } = useBrowser();

  it.each(APPEARANCES)(
    "is accessible, with its table and a marked point: $width px, dark: $isDark",
    async ({ width, isDark }) => {
      await using dashboard = await madeDashboard(madeAloha());
      for (const place of [VECTOR, HISTOGRAM]) {
        const page = await open(dashboard.at(place), { width, isDark });
        await page.getByRole("application", { name: /^Figure of / }).focus();
        await page.keyboard.press("End");
        await page.locator(".figure .mark").waitFor();
        await page.getByText("Table of values").click();
        await page.locator(".drawer tbody tr").first().waitFor();
        expect([place, await accessibilityFaults(page)]).toEqual([place, []]);
        expect([place, await isWiderThanWindow(page)]).toEqual([place, false]);
        await page.close();
      }
      expect(faults).toEqual([]);
    },
  );

  it("says the value of each point that a key reaches", async () => {
    await using dashboard = await madeDashboard(madeAloha());
    const page = await open(dashboard.at(VECTOR));
    const text = page.locator(".drawer .hovered");
    const figure = page.getByRole("application", { name: "Figure of delay:vector" });
    await figure.focus();
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => text.textContent()).toMatch(/^t = [\d.]+ s: [\d.]+ s$/);
    expect(await text.getAttribute("aria-live")).toBe("polite");
    const first = await text.textContent();
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => text.textContent()).not.toBe(first);
    await page.keyboard.press("End");
    await expect.poll(() => text.textContent()).toMatch(/^t = 99\d\d\.\d s: /);
    await figure.hover(); // the pointer's text is not read out
    await expect.poll(() => text.getAttribute("aria-live")).toBe("off");
    await page.keyboard.press("Home");
    await expect.poll(() => text.textContent()).toBe(first);
    await page.keyboard.press("Escape");
    await expect.poll(() => text.textContent()).toMatch(/^100,001 values/);
    await page.keyboard.press("Escape"); // nothing is marked: it closes the details
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect(faults).toEqual([]);
  });

  it("has a table of all points of a vector, which says that they are not all values", async () => {
    await using dashboard = await madeDashboard(madeAloha());
    const page = await open(dashboard.at(VECTOR));
    await page.getByText("Table of values").click();
    const rows = page.getByRole("region", { name: "values of delay:vector" }).locator("tbody tr");
    await expect.poll(() => rows.count()).toBe(500);
    await page.getByText("Not all values: of 100,001").waitFor();
    const more = page.getByRole("button", { name: /^Show \d+ more$/ });
    for (let pages = 0; (await more.count()) > 0 && pages < 10; pages++) await more.click();
    await expect.poll(() => rows.count()).toBeGreaterThan(1000);
    expect(await rows.last().innerText()).toMatch(/^99\d\d\.\d\t[\d.]+$/);
    expect(faults).toEqual([]);
  });

  it("has a table of the bins of a histogram, with what is outside of them", async () => {
    await using dashboard = await madeDashboard(madeAloha());
    const page = await open(dashboard.at(HISTOGRAM));
    await page.getByText("Table of values").click();
    const table = page.getByRole("region", { name: "bins of uneven:histogram" });
    const rows = await table.locator("tr").allInnerTexts();
    expect(rows).toHaveLength(43);
    expect(rows.slice(0, 3)).toEqual(["From [s]\tTo (excluded) [s]\tObservations", "−∞\t0\t2", "0\t0.01\t5"]);
    expect(rows.at(-1)).toBe("16\t∞\t7");
    expect(faults).toEqual([]);
  });
});
