import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { accessibilityFaults } from "../helpers/axe.ts";
import { APPEARANCES, isWiderThanWindow, useBrowser } from "../helpers/browser.ts";
import { MadeCampaign, madeDashboard, madeRow, madeTimeline } from "../helpers/made-dashboard.ts";
import { describeWithService } from "../helpers/services.ts";

const TIMELINE = "/campaigns/abcdefgh?view=timeline";

describeWithService("chromium", "the pages of the swarm and of the timeline", () => {
  const { open, faults } = useBrowser();
  const timeline = (page: Page) => page.getByRole("application", { name: "Timeline of the runs" });
  const hovered = (page: Page): Promise<string | null> =>
    page.locator(".timeline-view .hovered").textContent();

  it.each(APPEARANCES)(
    "are accessible and not wider than the window: $width px, dark: $isDark",
    async ({ width, isDark }) => {
      await using dashboard = await madeDashboard(madeTimeline(120, { isOver: false }));
      for (const [place, text] of [
        ["/swarm", "the runner has stopped taking jobs"],
        [TIMELINE, "Idle tail"],
        [`${TIMELINE}&run=7`, "Run #7"],
      ] as const) {
        const page = await open(dashboard.at(place), { width, isDark });
        await page.getByText(text).first().waitFor();
        expect([place, await accessibilityFaults(page)]).toEqual([place, []]);
        const isWider = await isWiderThanWindow(page);
        expect([place, isWider]).toEqual([place, false]);
        await page.close();
      }
      expect(faults).toEqual([]);
    },
  );

  it("show the machines, the queue, the builds and the expected end", async () => {
    const campaign = madeTimeline();
    await using dashboard = await madeDashboard(campaign);
    const page = await open(dashboard.at("/"));
    await page.getByRole("banner").getByText("6 of 12 runners busy").waitFor();
    await page
      .getByRole("banner")
      .getByText(/^ends about \d/)
      .waitFor();
    await page.getByRole("link", { name: "Swarm" }).click();
    expect(new URL(page.url()).pathname).toBe("/swarm");
    await page.getByText("The last campaign ends about").waitFor();
    expect(await page.locator("[data-machine]").allInnerTexts()).toEqual([
      expect.stringMatching(/^node1\s+runner, builder\s+4 of 4, storing 1 result$/),
      expect.stringMatching(/^node2\s+runner\s+the runner has stopped .*full\s+1 of 8$/s),
      expect.stringMatching(/^node3\s+not connected\s+1$/),
    ]);
    await page.getByText("17 of 60 files").waitFor();
    await page.getByText("9.0 s, about 52 s left").waitFor();
    const { queue } = campaign.swarm;
    campaign.swarm = { busy: 0, slots: 0, slotsOf: {}, unknown: 2, machines: [], builds: [], queue };
    await page.getByText("No worker is connected.").waitFor();
    await page.getByText("No build is running or waiting.").waitFor();
    await page.getByRole("banner").getByText("end not yet known").waitFor();
    expect(faults).toEqual([]);
  });

  it("reach each run by keys and with the pointer, and open its details", async () => {
    await using dashboard = await madeDashboard(madeTimeline());
    const page = await open(dashboard.at(TIMELINE));
    await page.getByText("6 slots on 2 machines").waitFor();
    await timeline(page).focus();
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => hovered(page)).toMatch(/^Run #0: done, node1, slot 1, .*iaMean=0, numHosts=0$/);
    await page.keyboard.press("End");
    const last = (await hovered(page))!;
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("ArrowRight");
    expect(await hovered(page)).toBe(last);
    await page.keyboard.press("ArrowDown");
    await expect.poll(() => hovered(page)).toContain("node1, slot 2");
    const number = /^Run #(\d+)/.exec((await hovered(page))!)![1]!;
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: `Run #${number}` }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect(await page.evaluate("document.activeElement.getAttribute('role')")).toBe("application");

    const box = (await timeline(page).boundingBox())!;
    await page.mouse.move(box.x + 120, box.y + 30);
    await expect.poll(() => hovered(page)).toMatch(/^Run #0: /);
    await page.mouse.click(box.x + 120, box.y + 30);
    await page.getByRole("heading", { name: "Run #0" }).waitFor();
    expect(new URL(page.url()).searchParams.get("run")).toBe("0");
    await page.getByRole("button", { name: "Close" }).click();
    await page.getByText("Longest:").getByRole("button", { name: "run #119" }).click();
    await page.getByRole("heading", { name: "Run #119" }).waitFor();
    expect(faults).toEqual([]);
  });

  it("show a part of the time, which is in the address, and the usage in it", async () => {
    await using dashboard = await madeDashboard(madeTimeline());
    const page = await open(dashboard.at(TIMELINE));
    const box = (await timeline(page).boundingBox())!;
    await page.mouse.move(box.x + 300, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + 500, box.y + 60, { steps: 3 });
    await page.mouse.up();
    await expect.poll(() => page.url()).toMatch(/&t=[\d.]+-[\d.]+$/);
    await page.reload();
    await page.getByRole("button", { name: "Whole campaign" }).click();
    await expect.poll(() => page.url()).not.toContain("&t=");
    await timeline(page).focus();
    await page.keyboard.press("+");
    await expect.poll(() => page.url()).toContain("&t=");
    await page.keyboard.press("0");
    await expect.poll(() => page.url()).not.toContain("&t=");
    await page.getByRole("img", { name: "Usage over time. Busy slots: at most 6" }).hover();
    await expect.poll(() => hovered(page)).toMatch(/busy slots \d.*CPU cores \d.*memory \d+ MB, events\/s/);
    expect(faults).toEqual([]);
  });

  it("have a table of the slots, also while runs are running", async () => {
    const campaign = madeTimeline(60, { isOver: false });
    await using dashboard = await madeDashboard(campaign);
    const page = await open(dashboard.at(TIMELINE));
    await page.getByText("so far (since").waitFor();
    await page.getByText("Table of slots").click();
    const rows = page.getByRole("region", { name: "slots" }).locator("tbody tr");
    await expect.poll(() => rows.count()).toBe(6);
    expect((await rows.allInnerTexts()).filter((text) => text.includes("running"))).toHaveLength(2);
    campaign.rows = madeTimeline(60).rows;
    await expect.poll(async () => (await rows.allInnerTexts()).join()).not.toContain("running");
    await page.getByText("the last run was run #59").waitFor();
    expect(faults).toEqual([]);
  });

  it("draw 10,000 runs with a few elements", async () => {
    await using dashboard = await madeDashboard(madeTimeline(10_000, { slots: 64 }));
    const page = await open(dashboard.at(TIMELINE));
    await page.getByText("64 slots on 2 machines").waitFor();
    expect(await page.locator(".timeline-view *").count()).toBeLessThan(500);
    await page.getByLabel("filter runs").fill("state:failed");
    await page.getByText("588 of 10,000 runs").waitFor();
    expect(faults).toEqual([]);
  });

  it.each([
    ["one run", madeRow(0), "1 slot on 1 machine, busy 100 %"],
    ["no time", madeRow(0, { startedAt: null, finishedAt: null }), "No run of this campaign has started yet"],
    [
      "a run that waits",
      madeRow(0, { state: "queued", startedAt: null, finishedAt: null, wallTimeMs: null }),
      "No run of this campaign has started yet",
    ],
  ])("show %s", async (_, row, text) => {
    await using dashboard = await madeDashboard(new MadeCampaign([], [row]));
    const page = await open(dashboard.at(TIMELINE));
    await page.getByText(text).waitFor();
    expect(faults).toEqual([]);
  });
});
