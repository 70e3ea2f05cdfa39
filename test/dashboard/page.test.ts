import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { accessibilityFaults } from "../helpers/axe.ts";
import { APPEARANCES, isWiderThanWindow, useBrowser } from "../helpers/browser.ts";
import type { Row } from "../../src/dashboard/page/base/data.ts";
import { madeAloha, MadeCampaign, madeDashboard, madeRow, MADE_TOKEN } from "../helpers/made-dashboard.ts";
import { describeWithService } from "../helpers/services.ts";

const CAMPAIGN = "/campaigns/abcdefgh";
/** Compressed, all files together. */
const LARGEST_BYTES = 120_000;
const RESULTS = `${CAMPAIGN}?view=results`;
const DELAY = `${CAMPAIGN}?scalar=Aloha.server.delay:mean`;
const UTILIZATION = `${RESULTS}&s=Aloha.server.channelUtilization:last`;

describeWithService("chromium", "the page of the dashboard", () => {
  const { open, faults } = useBrowser();
  const shownRuns = (page: Page): Promise<string[]> =>
    page.locator("tr[data-run] td:first-child").allTextContents();
  const status = (page: Page): Promise<string | null> => page.locator("#query-answer").textContent();

  it.each(APPEARANCES)(
    "is accessible and not wider than the window: $width px, dark: $isDark",
    async ({ width, isDark }) => {
      await using dashboard = await madeDashboard(madeAloha());
      const places = [
        "/",
        CAMPAIGN,
        `${CAMPAIGN}?run=22&q=foo:bar`,
        `${DELAY}&run=22&preview=vector:Aloha.server.delay:vector`,
        `${DELAY}&run=22&preview=histogram:Aloha.server.delay:histogram`,
        `${UTILIZATION}&points=1`,
        `${UTILIZATION}&plot=heat+map`,
      ];
      for (const place of places) {
        const page = await open(dashboard.at(place), { width, isDark });
        await page
          .getByText(place.includes("run=") ? "no such host" : "PureAloha")
          .first()
          .waitFor();
        if (place.includes("preview=")) await page.locator(".drawer .figure svg").waitFor();
        expect([place, await accessibilityFaults(page)]).toEqual([place, []]);
        const isWider = await isWiderThanWindow(page);
        expect([place, isWider]).toEqual([place, false]);
        await page.close();
      }
      expect(faults).toEqual([]);
    },
  );

  it("draws only the visible ones of 10,000 runs, and reaches all by keys", async () => {
    const rows = Array.from({ length: 10_000 }, (_, run) =>
      madeRow(run, { values: [`${(run * 7919) % 10_000}ms`], state: run % 100 === 7 ? "failed" : "done" }),
    );
    await using dashboard = await madeDashboard(new MadeCampaign(["delay"], rows));
    const page = await open(dashboard.at(CAMPAIGN));
    await page.locator("tr[data-run]").first().waitFor();
    expect((await shownRuns(page)).length).toBeLessThan(100);
    const grid = page.getByRole("grid", { name: "runs" });
    await grid.focus();
    await page.keyboard.press("End");
    await expect.poll(() => shownRuns(page)).toContain("#9999");
    await expect.poll(() => grid.getAttribute("aria-activedescendant")).toBe("run-9999");
    expect((await shownRuns(page)).length).toBeLessThan(100);
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Run #9998" }).waitFor();
    expect(page.url()).toContain("run=9998");
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect(await grid.evaluate("document.activeElement.getAttribute('role')")).toBe("grid");

    await page.keyboard.press("/");
    await page.keyboard.type("state:failed delay>=9s");
    await expect.poll(() => status(page)).toBe("10 of 10,000 runs");
    await page.getByRole("button", { name: "$delay" }).click();
    await page.getByRole("button", { name: "$delay" }).click();
    await expect.poll(() => page.locator("th[aria-sort=descending]").textContent()).toContain("$delay");
    const values = await page.locator("tr[data-run] td:nth-child(3)").allTextContents();
    expect(values).toEqual([...values].sort((a, b) => parseInt(b) - parseInt(a)));

    await page.reload(); // the URL contains what is shown
    await expect.poll(() => status(page)).toBe("10 of 10,000 runs");
    await expect.poll(() => page.locator("tr[data-run] td:nth-child(3)").allTextContents()).toEqual(values);
    expect(faults).toEqual([]);
  });

  it("filters by an error, a state, and a cell of the map", async () => {
    await using dashboard = await madeDashboard(madeAloha());
    const page = await open(dashboard.at(CAMPAIGN));
    await page.getByRole("button", { name: "10 × serviceRate must be positive" }).click();
    await expect.poll(() => status(page)).toBe("10 of 150 runs");
    expect(await shownRuns(page)).toEqual(Array.from({ length: 10 }, (_, run) => `#${20 + run}`));
    await page.getByRole("button", { name: "10 × serviceRate must be positive" }).click();
    await page.getByRole("button", { name: "9 queued" }).click();
    await expect.poll(() => status(page)).toBe("9 of 150 runs");
    await page.getByRole("button", { name: "$iaMean=9, $numHosts=15: 3 queued" }).click();
    await expect.poll(() => status(page)).toBe("3 of 150 runs");
    await page.goBack();
    await expect.poll(() => status(page)).toBe("9 of 150 runs");
    expect(faults).toEqual([]);
  });

  it("says that it is not live while the server is away, and is live again when it returns", async () => {
    const campaign = madeAloha();
    await using dashboard = await madeDashboard(campaign);
    const page = await open(dashboard.at(CAMPAIGN));
    await page.getByText("live", { exact: true }).waitFor();
    await dashboard.stop();
    await page.getByText("not live", { exact: true }).waitFor();
    await page.getByText("the page shows the state of").waitFor();
    campaign.rows = campaign.rows.map((row) => ({ ...row, state: "done", error: null }));
    await dashboard.start();
    await page.getByText("live", { exact: true }).waitFor();
    await page.getByRole("button", { name: "150 done" }).waitFor();
    dashboard.trouble = "Redis is not responding";
    await page.getByText("Redis is not responding").waitFor();
    await page.getByText("not live", { exact: true }).waitFor();
    dashboard.trouble = undefined;
    await page.getByText("live", { exact: true }).waitFor();
    expect(faults).toEqual([]);
  });

  it("connects when the server starts to answer", async () => {
    await using dashboard = await madeDashboard(madeAloha());
    dashboard.trouble = "Redis is not responding";
    const page = await open(dashboard.at(CAMPAIGN));
    await page.getByText("Redis is not responding").waitFor();
    dashboard.trouble = undefined;
    await page.getByRole("heading", { name: "PureAloha" }).waitFor();
    expect(faults).toEqual([]);
  });

  it("offers only what the server would do, and only with a valid token", async () => {
    const campaign = madeAloha();
    await using dashboard = await madeDashboard(campaign);
    const page = await open(`${dashboard.base}${CAMPAIGN}#token=wrong`);
    await page.getByText("the token of this address is not valid").waitFor();
    expect(await page.getByRole("button", { name: "Cancel" }).isDisabled()).toBe(true);
    expect(await page.getByRole("button", { name: /Retry/ }).count()).toBe(0);
    campaign.rows = campaign.rows.filter(({ state }) => state !== "queued");
    await page.getByRole("button", { name: "Retry 10 runs" }).waitFor();
    await page.close();

    const other = await open(dashboard.at(CAMPAIGN));
    const retry = other.getByRole("button", { name: "Retry 10 runs" });
    await expect.poll(() => retry.isEnabled()).toBe(true);
    expect(other.url()).not.toContain("token");
    other.once("dialog", (dialog) => void dialog.accept());
    await retry.click();
    await other.getByText("requeued 3 runs; to collect them, run: runall-swarm attach abcdefgh").waitFor();
    expect(faults).toEqual([]);
  });

  it("shows without the token which runs there are, but not what they have recorded", async () => {
    await using dashboard = await madeDashboard(madeAloha());
    const page = await open(`${dashboard.base}${CAMPAIGN}?run=0`);
    const drawer = page.getByRole("dialog", { name: "Run #0" });
    await drawer.getByText("to see results and outputs").waitFor();
    expect(await drawer.getByRole("region", { name: "output" }).count()).toBe(0);
    await page.keyboard.press("Escape");
    await page.getByRole("tab", { name: "Results" }).click();
    const view = page.getByRole("tabpanel");
    await view.getByText("to see results and outputs").waitFor();

    const another = await page.context().newPage(); // of the same user
    await another.goto(dashboard.at(CAMPAIGN));
    await view.getByPlaceholder(/^Search/).waitFor();
    const third = await page.context().newPage(); // as from a link in one of them
    await third.goto(`${dashboard.base}${CAMPAIGN}?run=0`);
    await third.getByText("OMNeT++ Discrete Event Simulation").waitFor();
    expect(faults).toEqual([]);
  });

  it("checks the token again if the server could not answer", async () => {
    await using dashboard = await madeDashboard(madeAloha());
    const page = await open(dashboard.base);
    let refusals = 2;
    await page.route("**/api/session", (route) =>
      refusals-- > 0 ? route.fulfill({ status: 503, json: { error: "busy" } }) : route.continue(),
    );
    await page.goto(dashboard.at(`${CAMPAIGN}?run=0`));
    await page.reload();
    await page.getByRole("dialog").getByText("OMNeT++ Discrete Event Simulation").waitFor();
    expect(refusals).toBeLessThan(0);
    expect(faults).toEqual([]);
  });

  it("retries the runs of one error", async () => {
    const campaign = madeAloha();
    campaign.rows = campaign.rows
      .filter(({ state }) => state !== "queued")
      .map((row) => (row.runNumber === 25 ? { ...row, supersededBy: "later" } : row));
    await using dashboard = await madeDashboard(campaign);
    const page = await open(dashboard.base + CAMPAIGN);
    const retry = page.getByRole("button", { name: "Retry these 9 runs: serviceRate" });
    await page.getByText("to cancel or retry runs, open the address").first().waitFor();
    expect(await retry.isDisabled()).toBe(true);
    await page.close();

    const other = await open(dashboard.at(CAMPAIGN));
    const button = other.getByRole("button", { name: "Retry these 9 runs: serviceRate" });
    await expect.poll(() => button.isEnabled()).toBe(true);
    other.once("dialog", (dialog) => void dialog.accept());
    await button.click();
    await other.getByText("requeued 3 runs; to collect them, run: runall-swarm attach abcdefgh").waitFor();
    expect(dashboard.posted).toEqual(['{"runs":"20..24,26..29"}']);
    expect(faults).toEqual([]);
  });

  it("shows scalars as columns, by which runs are sorted and filtered, also of runs that end meanwhile", async () => {
    const campaign = madeAloha({ failed: false });
    await using dashboard = await madeDashboard(campaign);
    const page = await open(dashboard.at(CAMPAIGN));
    await page.getByText("Columns", { exact: true }).click();
    await page.getByRole("searchbox", { name: "search scalars" }).fill("delay");
    await page.getByRole("button", { name: "Aloha.server.delay:mean" }).click();
    const title = page.getByRole("columnheader", { name: "delay:mean [s]" });
    await title.waitFor();
    const values = async (): Promise<(number | undefined)[]> => {
      const index = await title.evaluate((cell: { cellIndex: number }) => cell.cellIndex + 1);
      const texts = await page.locator(`tr[data-run] td:nth-child(${index})`).allTextContents();
      return texts.map((text) => (text === "" ? undefined : Number(text)));
    };
    await expect.poll(values).toContain(1.01);
    await title.getByRole("button").click();
    await title.getByRole("button").click();
    await expect.poll(async () => (await values())[0]).toBe(2.01);
    await page.getByLabel("filter runs").fill("delay:mean>=1s delay:mean<1510ms");
    await expect.poll(() => status(page)).toBe("20 of 150 runs");
    expect(new Set(await values())).toEqual(new Set([1.01]));

    await page.reload(); // the URL contains what is shown
    await expect.poll(() => status(page)).toBe("20 of 150 runs");
    await page.getByLabel("filter runs").fill("iaMean=9 numHosts=10 repetition=9");
    await expect.poll(() => status(page)).toBe("1 of 150 runs");
    expect(await values()).toEqual([undefined]); // it is queued
    campaign.rows = campaign.rows.map((row) => ({ ...row, state: "done" }));
    await expect.poll(values).toEqual([0.1211]);

    await page.getByText("Columns", { exact: true }).click();
    await page.getByLabel("pattern").fill("**.nothing");
    await page.getByRole("button", { name: "Add" }).click();
    await page.getByText("No scalar matches **.nothing").waitFor();
    await page.getByRole("button", { name: "remove the column **.nothing" }).click();
    await page.getByRole("button", { name: "remove the column Aloha.server.delay:mean" }).click();
    await title.waitFor({ state: "detached" });
    expect(faults).toEqual([]);
  });

  it("shows what is known about a run, its files, and how to repeat it", async () => {
    await using dashboard = await madeDashboard(madeAloha());
    const page = await open(dashboard.at(`${CAMPAIGN}?run=0`));
    const drawer = page.getByRole("dialog", { name: "Run #0" });
    await drawer.getByText("node7").waitFor();
    const facts = await drawer.locator(".facts > div").allTextContents();
    for (const fact of [
      "events1,234,567",
      "simulation time5400 s",
      "exit status0",
      "workernode7",
      "attempt2",
      "seed set12",
      "commit0123456789ab, 3 files changed",
      "peak memory50 MB",
    ])
      expect(facts).toContain(fact);
    await drawer.getByText("Files (3, 166 MB)").waitFor();
    await drawer.getByText("12 bytes; it is outside the result directory").waitFor();
    await expect.poll(() => drawer.getByRole("button", { name: /^results/ }).count()).toBe(2);
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      drawer.getByRole("button", { name: "results/PureAloha-#0.sca" }).click(),
    ]);
    expect((await readFile(await download.path())).toString()).toBe("content");
    await drawer.getByText("Repeat locally").click();
    await drawer.getByText("./aloha -m -u Cmdenv -c PureAloha -r 0").waitFor();
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await drawer.getByRole("button", { name: "Copy", exact: true }).click();
    await drawer.getByText("copied").waitFor();
    expect(await page.evaluate("navigator.clipboard.readText()")).toMatch(/^cd \/home\/ada.* -r 0$/);

    await page.keyboard.press("Escape");
    await page.locator("tr[data-run='1']").click();
    const other = page.getByRole("dialog", { name: "Run #1" });
    await other.getByText("The run’s files are not here").waitFor();
    await other.getByText("Repeat locally").click();
    await other.getByText("The campaign was queued on another machine (laptop)").waitFor();
    await other.getByText("Vectors and histograms").click();
    await other.getByText("the files of run 1 are not here").waitFor();
    expect(faults).toEqual([]);
  });

  it("draws vectors and histograms of a run, says what is missing, and can cancel the reading", async () => {
    await using dashboard = await madeDashboard(madeAloha());
    const page = await open(dashboard.at(`${CAMPAIGN}?run=0`));
    await page.getByText("Vectors and histograms").click();
    const choose = (name: string): Promise<void> =>
      page.getByRole("button", { name: `Aloha.server.${name}` }).click();
    const drawn = page.locator(".drawer .figure svg");
    await choose("delay:vector");
    await drawn.waitFor();
    expect((await drawn.locator("path.series").getAttribute("d"))!.split("L").length).toBeGreaterThan(1000);
    await page.getByText(/^100,001 values, from 2[.\d]* to/).waitFor();
    await page.getByText("1 value not drawn: NaN or infinite.").waitFor();
    await page.getByText("Only the first 40 % was read within the time limit").waitFor();
    await drawn.hover();
    await page.getByText(/^t = .* s: /).waitFor();

    await choose("endless:vector");
    await page.getByText("Reading the file: 25 %").waitFor();
    await page.getByRole("button", { name: "Cancel reading" }).click();
    await page.getByText("Reading was cancelled.").waitFor();
    await expect.poll(() => dashboard.cancelled).toBe(1);
    await page.getByRole("button", { name: "Read again" }).click();
    await page.getByText("Reading the file: 25 %").waitFor();
    await choose("damaged:vector");
    await expect.poll(() => dashboard.cancelled).toBe(2);
    await page.getByText("cannot read the SQLite file a.vec: database disk image is malformed.").waitFor();
    await choose("empty:vector");
    await page.getByText("The vector has no values.").waitFor();

    await page.getByRole("searchbox", { name: "search vectors and histograms" }).fill("histogram even");
    await choose("uneven:histogram");
    await page.getByText("Not drawn: 2 below 0 (underflow), 7 from 16 on (overflow).").waitFor();
    await drawn.getByText("observations per unit").waitFor();
    expect((await drawn.locator("path.bars").getAttribute("d"))!.split("M").length).toBeGreaterThan(30);
    const address = page.url();
    await page.reload();
    await drawn.getByText("observations per unit").waitFor();
    expect(page.url()).toBe(address);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect(page.url()).not.toContain("preview");
    expect(faults).toEqual([]);
  });

  it("draws the scalars that are chosen in the tree, also of runs that end meanwhile", async () => {
    const campaign = madeAloha();
    await using dashboard = await madeDashboard(campaign);
    const page = await open(dashboard.at(CAMPAIGN));
    await page.getByRole("tab", { name: "Results" }).click();
    await page.getByRole("searchbox", { name: "search scalars" }).fill("server util");
    await page.getByRole("button", { name: "Aloha.server.channelUtilization:last" }).click();
    const points = page.locator(".figure svg title");
    await expect.poll(() => points.count()).toBe(14); // of 15: all runs of one have failed
    const point = page.locator(".figure svg title", { hasText: "numHosts=10, iaMean=9:" });
    await expect.poll(() => point.textContent()).toMatch(/ ± [\d.]+ \(n = 7\)$/);
    await page.getByText("Mean of n = 7 to 10").waitFor();
    campaign.rows = campaign.rows.map((row) => ({ ...row, state: "done", error: null }));
    await expect.poll(() => points.count()).toBe(15);
    await page.getByText("Mean of n = 10 with").waitFor();

    await page.getByLabel("filter runs").fill("numHosts=10,15");
    await expect.poll(() => points.count()).toBe(10);
    await page.getByLabel("lines", { exact: true }).selectOption("none");
    await page.getByText("A point combines runs with different values of numHosts").waitFor();
    await page.getByLabel("facets").selectOption("numHosts");
    await page.locator(".figure").getByText("numHosts=15").first().waitFor();
    await page.getByLabel("log y").check();
    const address = page.url();
    const shown = await points.allTextContents();
    await page.close();
    const other = await open(`${address}#token=${MADE_TOKEN}`); // as with "Copy link", in a tab that has the token
    await expect.poll(() => other.locator(".figure svg title").allTextContents()).toEqual(shown);
    await other.getByText("Table of values").click();
    const rows = other.getByRole("region", { name: "values" }).locator("tbody tr");
    await expect.poll(() => rows.count()).toBe(10);
    expect(faults).toEqual([]);
  });

  it("exports the figure as SVG, PNG, CSV and Python", async () => {
    await using dashboard = await madeDashboard(madeAloha());
    const page = await open(dashboard.at(UTILIZATION));
    const saved = async (name: string): Promise<Buffer> => {
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("button", { name, exact: true }).click(),
      ]);
      expect(download.suggestedFilename()).toMatch(/^PureAloha-abcdefgh\.(svg|png|csv|py)$/);
      return await readFile(await download.path());
    };
    await page.locator(".figure svg").waitFor();
    expect((await saved("SVG")).toString()).toMatch(
      /^<svg xmlns="[^"]+" width="900".*channelUtilization.*<\/svg>$/s,
    );
    expect((await saved("PNG")).subarray(1, 4).toString()).toBe("PNG");
    expect((await saved("CSV")).toString().split("\r\n")).toHaveLength(16);
    expect((await saved("Python")).toString()).toContain("results.get_scalars");
    expect(faults).toEqual([]);
  });

  it.each([
    ["no scalar matches", "s=nothing", {}, "No scalar matches nothing"],
    ["no run matches", "s=**.delay:mean&q=iaMean=77", {}, "None of the runs that match the filter"],
    ["a pattern is wrong", "s={a", {}, "has a { without a }"],
    ["no mean is positive", "s=**.odd&log=y&q=repetition:3", {}, "No mean is positive"],
    ["all values are NaN", "s=**.odd&q=repetition:0", {}, "All values are NaN or infinite"],
    ["there is one repetition", "s=**.delay:mean", { repetitions: 1 }, "with only one value (n < 2)"],
  ])("has a note if %s", async (_, search, options, note) => {
    await using dashboard = await madeDashboard(madeAloha(options));
    const page = await open(dashboard.at(`${RESULTS}&${search}`));
    await page.getByText(note).waitFor();
    expect(faults).toEqual([]);
  });

  it("shows a study of 50 variables and 5,000 scalars", async () => {
    const variables = Array.from({ length: 50 }, (_, index) => `v${index}`);
    const rows = Array.from({ length: 500 }, (_, run) =>
      madeRow(run, { values: variables.map((_, index) => `${(run + index) % (2 + (index % 7))}`) }),
    );
    const items = Array.from({ length: 5000 }, (_, index) => ({
      module: `Net.${"abcdefghij"[index % 10]!}${index}.sub`,
      name: `<b>value</b>${index}`,
      unit: null,
      kind: "scalar" as const,
      value: () => index,
    }));
    await using dashboard = await madeDashboard(new MadeCampaign(variables, rows, { items }));
    const page = await open(dashboard.at(RESULTS));
    await page.getByPlaceholder("Search 5,000 scalars").fill("value</b>4999");
    await page.getByRole("button", { name: "Net.j4999.sub.<b>value</b>4999" }).click();
    await page.locator(".figure svg").waitFor();
    await page.getByText("A point combines runs with different values of").waitFor();
    expect(faults).toEqual([]);
  });

  it("shows a campaign of 100,000 runs", async () => {
    const rows = Array.from({ length: 100_000 }, (_, run) => {
      const startedAt = 1_700_000_000_000 + Math.floor(run / 64) * 1000;
      return madeRow(run, {
        ...{ values: [`${run % 100}`, `${Math.floor(run / 100) % 10}`], repetition: Math.floor(run / 1000) },
        ...{ startedAt, finishedAt: startedAt + 900, worker: `node${run % 64}` },
        ...(run % 1000 === 7 && { state: "failed", error: "no such host" }),
      });
    });
    const item = { module: "Net.host", name: "delay", unit: "s", kind: "scalar" as const };
    const items = [{ ...item, value: ({ runNumber }: Row) => runNumber % 97 }];
    await using dashboard = await madeDashboard(new MadeCampaign(["load", "hosts"], rows, { items }));
    const page = await open(dashboard.at(CAMPAIGN));
    await page.getByText("#0", { exact: true }).first().waitFor();
    await page.getByLabel("filter runs").fill("run>=99990");
    await page.getByText("#99990", { exact: true }).first().waitFor();
    await page.getByLabel("filter runs").fill("");
    await page.getByRole("tab", { name: "Results" }).click();
    await page.getByRole("searchbox", { name: "search scalars" }).fill("delay");
    await page.getByRole("button", { name: "Net.host.delay" }).click();
    await page.getByText("Mean of n = 100 with").waitFor();
    await page.getByRole("tab", { name: "Timeline" }).click();
    await page.locator("canvas").waitFor();
    expect(faults).toEqual([]);
  });

  it("is small", async () => {
    await using dashboard = await madeDashboard(madeAloha());
    const sizes = await Promise.all(
      ["/", "/page/main.js", "/page/style.css", "/page/icon.svg"].map(async (file) => {
        const answer = await fetch(dashboard.base + file);
        expect([file, answer.headers.get("content-encoding")]).toEqual([file, "gzip"]);
        const again = await fetch(dashboard.base + file, {
          headers: { "If-None-Match": answer.headers.get("etag")! },
        });
        expect([file, again.status]).toEqual([file, 304]);
        return gzipSync(await answer.arrayBuffer(), { level: 9 }).length;
      }),
    );
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(LARGEST_BYTES);
  });
});
