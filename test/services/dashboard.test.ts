import { request } from "node:http";
import { stat } from "node:fs/promises";
import { hostname } from "node:os";
import path from "node:path";
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { useBrowser } from "../helpers/browser.ts";
import { describeWithService } from "../helpers/services.ts";
import {
  holdRuns,
  isAlive,
  listen,
  mustRun,
  pidsOf,
  queued,
  researcher,
  stateFolder,
  statusOf,
  type Researcher,
} from "../helpers/swarm.ts";
import { dashboardApi, type DashboardApi } from "../helpers/dashboard-api.ts";

/** The dashboard of the user's swarm, and its address as it is printed. */
async function dashboardOf(user: Researcher): Promise<DashboardApi & { address: string }> {
  const address = (await mustRun(user, ["dashboard"])).stdout.trim();
  const api = dashboardApi(address);
  expect(api.token).toMatch(/^[\w-]{32}$/);
  return { ...api, address };
}

interface Overview {
  campaigns: {
    id: string;
    config: string;
    runs: number;
    states: Record<string, number>;
    uncollected: number;
    actions: { cancel: boolean; retry: number; hint?: string };
  }[];
}
interface View {
  summary: Overview["campaigns"][number];
  variables: string[];
  columns: string[];
  rows: unknown[][];
}

interface Swarm {
  busy: number;
  slots: number;
  machines: object[];
  queue: { waiting: number; running: number };
}

describeWithService("redis-server", "the dashboard", () => {
  let user: Researcher;
  beforeAll(async () => {
    user = await researcher(0);
  });
  afterAll(() => user[Symbol.asyncDispose]());

  it("runs with the swarm, only for its user, and stops with it", async () => {
    await using own = await researcher(0);
    const { origin } = await dashboardOf(own);
    expect((await statusOf(own)).dashboard).toBe(`${origin}/`);
    const { mode } = await stat(path.join(stateFolder(own), "dashboard.json"));
    expect(mode & 0o777).toBe(0o600);
    const pid = (await pidsOf(own))["dashboard"]!;
    expect(isAlive(pid)).toBe(true);
    await mustRun(own, ["halt"]);
    expect(isAlive(pid)).toBe(false); // another swarm may be at its port now
    expect((await statusOf(own)).dashboard).toBeUndefined();
    expect(await own.run("swarm-tool", ["dashboard"])).toMatchObject({ exitCode: 2 });
    await mustRun(own, ["resume"]);
    await dashboardOf(own);
  });

  it("shows the campaigns with their runs, outputs and scalars", async () => {
    const { get, ask } = await dashboardOf(user);
    await user.runall("-c", "Load");
    const id = await queued(user, "-c", "Broken");
    const overview = async () => (await get<Overview>("campaigns")).campaigns;
    await expect
      .poll(async () => (await overview())[0])
      .toMatchObject({
        id,
        config: "Broken",
        runs: 3,
        states: { done: 2, failed: 1 },
        uncollected: 3,
      });
    const load = (await overview())[1]!;
    expect(load).toMatchObject({ config: "Load", runs: 12, states: { done: 12 }, uncollected: 0 });

    const campaign = `campaigns/${load.id}`;
    const { columns, rows, variables } = await get<View>(campaign);
    expect(variables).toEqual(["arrivalRate"]);
    const first = Object.fromEntries(columns.map((name, index) => [name, rows[0]![index]]));
    const worker = hostname();
    expect(first).toMatchObject({ runNumber: 0, state: "done", values: ["0.5"], repetition: 0, worker });

    const { items } = await get<{ items: unknown[][] }>(`${campaign}/results`);
    expect(items).toContainEqual(["Mm1.queue", "waitingTime:mean", "s", "scalar"]);
    const values = async (): Promise<(readonly [number, number])[]> =>
      (
        await get<{ series: { values: [number, number][] }[] }>(
          `${campaign}/values?pattern=**.queue.waitingTime:mean`,
        )
      ).series.flatMap((series) => series.values);
    await expect.poll(values).toHaveLength(12);
    const file = (await user.sample.results()).find(
      (name) => name.endsWith(".sca") && name.startsWith("Load"),
    )!;
    expect((await values()).map(([, value]) => String(value))).toContain(
      /scalar Mm1\.queue waitingTime:mean (\S+)/.exec(await user.sample.read(`results/${file}`))![1],
    );

    expect(await (await ask(`${campaign}/runs/0/output`)).text()).toContain("OMNeT++");
    const details = await get<{
      files: { path: string; problem?: string }[];
      local: { command: string };
    }>(`${campaign}/runs/0`);
    expect(details).toMatchObject({ attempt: 1, exitCode: 0, seedSet: "0" });
    expect(details.files.filter(({ problem }) => problem !== undefined)).toEqual([]);
    expect(details.local.command).toMatch(/^cd \S+\/simulations && \S+ .*-c Load -r 0\b/);
    const sca = details.files.find(({ path: name }) => name.endsWith(".sca"))!.path;
    const download = await ask(`${campaign}/runs/0/file?path=${encodeURIComponent(sca)}`);
    expect(download.headers.get("content-disposition")).toContain("attachment");
    expect(await download.text()).toBe(await user.sample.read(sca));
    const refused = await ask(`${campaign}/runs/0/file?path=omnetpp.ini`);
    expect([refused.status, await refused.json()]).toEqual([
      409,
      { error: "omnetpp.ini: it is not among the files of the run" },
    ]);
    const { vectors } = await get<{ vectors: { id: number; file: string; name: string }[] }>(
      `${campaign}/runs/0/recordings`,
    );
    const { id: vector, file: vec } = vectors[0]!;
    const series = await get<{ points: unknown[]; count: number }>(
      `${campaign}/runs/0/vector?id=${vector}&file=${encodeURIComponent(vec)}`,
    );
    expect(series.points.length).toBeGreaterThan(0);

    const broken = await get<View>(`campaigns/${id}`);
    const [number] = broken.rows.find((row) => row.includes("failed"))!;
    const output = await ask(`campaigns/${id}/runs/${String(number)}/output`); // not collected yet
    expect(await output.text()).toContain("<!> Error");
  });

  it("shows the swarm with its busy runners", async () => {
    const { get } = await dashboardOf(user);
    const swarm = (): Promise<Swarm> => get("swarm");
    await using held = await holdRuns(user, 0);
    const id = await queued(user, "-c", "Load", "--rerun");
    const name = hostname();
    await expect.poll(async () => (await swarm()).queue.running).toBeGreaterThan(0);
    await expect.poll(async () => (await swarm()).busy).toBeGreaterThan(0);
    const { busy, slots, machines, queue } = await swarm();
    expect(machines).toMatchObject([{ name, roles: ["runner", "builder"], slots, busy, troubles: [] }]);
    expect(busy).toBeLessThanOrEqual(slots);
    expect(queue.running + queue.waiting).toBe(12);
    const { columns, rows } = await get<View>(`campaigns/${id}`);
    const running = rows.find((row) => row[columns.indexOf("state")] === "running")!;
    expect(running[columns.indexOf("worker")]).toBe(name);
    await held.release();
    await user.runall("attach", id);
    await expect.poll(async () => (await swarm()).busy).toBe(0);
  });

  it("makes changes only for its user", async () => {
    const { get, origin, token } = await dashboardOf(user);
    const id = await queued(user, "-c", "Broken");
    const actions = async (): Promise<unknown> =>
      (await get<Overview>("campaigns")).campaigns.find((each) => each.id === id)?.actions;
    const hint = `1 run is not yet collected; run: runall-swarm attach ${id}`;
    await expect.poll(actions).toEqual({ cancel: false, retry: 0, hint });
    await user.runall("attach", id);
    await expect.poll(actions).toEqual({ cancel: false, retry: 1 });
    const post = (deed: string, given?: string, runs?: string): Promise<Response> =>
      fetch(`${origin}/api/campaigns/${id}/${deed}`, {
        method: "POST",
        headers: given === undefined ? {} : { Authorization: `Bearer ${given}` },
        body: runs === undefined ? null : JSON.stringify({ runs }),
      });
    for (const given of [undefined, "wrong"]) {
      const refused = await post("retry", given);
      expect([refused.status, await refused.json()]).toEqual([
        403,
        {
          error: "the token is missing or wrong",
          hint: "open the address that this command prints: swarm-tool dashboard",
        },
      ]);
    }
    const others = await post("retry", token, "0..1,7");
    expect([others.status, await others.json()]).toEqual([
      409,
      {
        error: `runs 0,7 of campaign ${id}: not failed or cancelled, or executed again by a later campaign – nothing was queued; look at the runs again`,
      },
    ]);
    expect(await actions()).toEqual({ cancel: false, retry: 1 });
    const one = await post("retry", token, "1");
    expect([one.status, await one.json()]).toEqual([200, { runs: 1 }]);
    expect(await user.runall("attach", id)).toMatchObject({ exitCode: 1 });
    const retried = await post("retry", token);
    expect([retried.status, await retried.json()]).toEqual([200, { runs: 1 }]);
    expect(await user.runall("attach", id)).toMatchObject({ exitCode: 1 });
    const ended = await post("cancel", token);
    const error = `campaign ${id} has already ended; nothing was cancelled`;
    expect([ended.status, await ended.json()]).toEqual([409, { error }]);
  });

  it("refuses requests under another host name, and reports what does not exist", async () => {
    const { origin } = await dashboardOf(user);
    const status = await new Promise((resolve, reject) => {
      const asked = request(
        `${origin}/api/campaigns`,
        { headers: { Host: "evil.example:9181" } },
        (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        },
      );
      asked.on("error", reject).end();
    });
    expect(status).toBe(403);
    expect((await fetch(origin)).headers.get("content-security-policy")).toContain("default-src 'none'");
    const unknown = await fetch(`${origin}/api/campaigns/nosuch`);
    expect([unknown.status, await unknown.json()]).toEqual([
      404,
      { error: "no campaign nosuch – the swarm keeps campaigns for 30 days" },
    ]);
    expect((await fetch(`${origin}/page/..%2f..%2fserver.ts`)).status).toBe(404);
  });

  it("shows the single jobs in bull-board, which is read-only", async () => {
    const { origin, token } = await dashboardOf(user);
    const id = await queued(user, "-c", "Quick");
    const board = `${origin}/queues`;
    expect((await fetch(board)).status).toBe(200);
    const { queues } = (await (await fetch(`${board}/api/queues`)).json()) as {
      queues: { name: string; readOnlyMode: boolean }[];
    };
    expect(queues.map(({ name, readOnlyMode }) => [name, readOnlyMode]).sort()).toEqual([
      ["build", true],
      ["run", true],
    ]);
    const headers = { Authorization: `Bearer ${token}` };
    for (const deed of [
      "run/pause",
      "run/empty",
      "run/obliterate",
      `run/${id}-0/clean`,
      "run/clean/completed",
    ])
      expect([deed, (await fetch(`${board}/api/queues/${deed}`, { method: "PUT", headers })).status]).toEqual(
        [deed, 405],
      );
    expect(await user.runall("attach", id)).toMatchObject({ exitCode: 0 });
  });

  it("is served at another port as well, until Ctrl-C, unless the port is in use", async () => {
    const { origin } = await dashboardOf(user);
    const taken = await user.run("swarm-tool", ["dashboard", "--port", new URL(origin).port]);
    expect(taken).toMatchObject({
      exitCode: 2,
      stderr: `swarm-tool: port ${new URL(origin).port} is in use\nhint: choose another with --port N, or any free port with --port 0\n`,
    });
    const running = user.start("swarm-tool", ["dashboard", "--port", "0"]);
    let printed = "";
    running.child.stdout!.on("data", (chunk: Buffer) => (printed += chunk.toString()));
    await expect.poll(() => printed).toContain("press Ctrl-C to stop it");
    await dashboardApi(printed.split("\n")[0]!).get<Overview>("campaigns");
    running.child.kill("SIGINT");
    expect(await running.finished).toMatchObject({ exitCode: 0, stderr: "" });
  });
});

describeWithService("redis-server", "the dashboard's page", () => {
  describeWithService("chromium", "in a browser", () => {
    const { open, faults } = useBrowser();
    it("follows a campaign, draws its heat map, shows an output, and cancels it", async () => {
      await using user = await researcher(0);
      const { address } = await dashboardOf(user);
      const page = await open(address);
      await page.getByText("No campaigns yet").waitFor();
      expect(page.url()).not.toContain("token");
      await using held = await holdRuns(user, 20);
      await followAndCancel(user, page, () => held.holdFrom(40));
      await lookFromAPhone(page, address);
      await page.goto(new URL("/queues", address).href);
      await page.getByRole("link", { name: "build" }).first().waitFor();
      const ours = faults.filter((fault) => !fault.includes("fonts.googleapis.com")); // of bull-board, and blocked
      expect(ours).toEqual([]);
    });
  });
});

/** As in a browser, whose types are not known here. */
interface Scrolled {
  scrollTop: number;
  scrollHeight: number;
  clientHeight: number;
  scrollWidth: number;
  clientWidth: number;
}
interface Shown {
  isConnected: boolean;
  matches(selector: string): boolean;
}

/** @param goOn releases more of the runs, but not all. */
async function followAndCancel(user: Researcher, page: Page, goOn: () => Promise<void>): Promise<void> {
  const running = user.startRunall("-c", "Quick", "--repeat=25");
  const told = listen(running);
  await page.getByRole("link", { name: "Quick" }).click();
  const states = page.locator("[data-states]");
  await expect.poll(() => states.textContent()).toMatch(/[1-9]\d* done/);
  const grid = page.getByRole("grid", { name: "runs" });
  await expect.poll(() => grid.getAttribute("aria-rowcount")).toBe("101");
  await expect.poll(() => page.locator(".map td button").count()).toBe(4); // two variables of two values each
  await page.getByLabel("columns", { exact: true }).selectOption("repetition");
  await expect.poll(() => page.locator(".map td button").count()).toBe(50);

  await page.getByLabel("columns", { exact: true }).selectOption("$serviceRate");
  await page.getByLabel("rows", { exact: true }).selectOption("repetition"); // 25 lines
  const map = page.locator(".map-place");
  const tall = await map.evaluate((place: Scrolled) => [place.clientHeight, place.scrollHeight] as const);
  expect(tall[0]).toBeLessThan(tall[1]); // it scrolls by itself, so that the table stays visible
  await page.getByLabel("rows", { exact: true }).selectOption("$arrivalRate");
  await page.getByLabel("columns", { exact: true }).selectOption("repetition");

  const matching = page.locator("#query-answer");
  await page.locator(".map td button").first().click();
  await expect.poll(() => matching.textContent()).toBe("2 of 100 runs"); // one repetition, the other variable's values
  expect(await page.getByLabel("filter runs").inputValue()).toBe("arrivalRate=0.3 repetition=0");
  await page.getByRole("button", { name: "Clear" }).click();
  await expect.poll(() => matching.textContent()).toBe("100 runs");

  await page.locator("tr[data-run='0']").click();
  await page.getByText("OMNeT++ Discrete Event Simulation").waitFor();
  await expectToStayInPlace(page, states, page.getByRole("button", { name: "Copy command" }), goOn);
  await page.getByRole("button", { name: "Close" }).click();

  await page.getByText(/\d+ of \d+ runners? busy/).waitFor();
  await page.getByRole("tab", { name: "Timeline" }).click();
  await page.getByRole("application", { name: "Timeline" }).waitFor();
  await page.getByRole("tab", { name: "Runs" }).click();

  page.once("dialog", (dialog) => void dialog.accept());
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByText(/cancelled \d+ queued runs/).waitFor();
  await told("cancelled");
  expect(await running.finished).toMatchObject({ exitCode: 1 });
  await expect.poll(() => states.textContent()).toMatch(/cancelled/);
  await expect.poll(() => states.textContent()).not.toMatch(/running|queued/);
}

/** What the user interacts with is not replaced by an update. */
async function expectToStayInPlace(
  page: Page,
  states: Locator,
  button: Locator,
  goOn: () => Promise<void>,
): Promise<void> {
  await button.focus();
  const output = page.locator("pre");
  await output.evaluate((pre: Scrolled) => (pre.scrollTop = 7));
  const kept = await Promise.all([button, output].map((place) => place.elementHandle()));
  const before = await states.textContent();
  await goOn();
  await expect.poll(() => states.textContent()).not.toBe(before);
  await expect.poll(() => states.textContent()).toMatch(/[1-9]\d* done/);
  for (const handle of kept) expect(await handle.evaluate((node: Shown) => node.isConnected)).toBe(true);
  expect(await kept[0]?.evaluate((node: Shown) => node.matches(":focus"))).toBe(true);
  expect(await output.evaluate((pre: Scrolled) => pre.scrollTop)).toBe(7);
}

/** Nothing overflows a narrow page, and an address that leads nowhere shows a message. */
async function lookFromAPhone(page: Page, address: string): Promise<void> {
  await page.setViewportSize({ width: 360, height: 740 });
  const width = () => page.locator("html").evaluate((html: Scrolled) => html.scrollWidth);
  expect(await width()).toBe(360);
  await page.getByRole("link", { name: "Campaigns" }).click();
  await page.getByRole("link", { name: "Quick" }).waitFor();
  const table = page.locator(".scroll"); // it would scroll if its content were too wide
  expect(await table.evaluate((place: Scrolled) => place.scrollWidth - place.clientWidth)).toBe(0);
  for (const place of ["study", "user", "progress"])
    expect(await page.locator(`[data-campaign] .at-${place}`).isVisible()).toBe(true);
  expect(await width()).toBe(360);
  await page.goto(new URL("/campaigns/nosuch", address).href);
  await page.getByText("no campaign nosuch").waitFor();
}
