import { execFile } from "node:child_process";
import { access, mkdir, readdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import type { Campaign } from "../../src/model/campaign.ts";
import { PROTOCOL } from "../../src/model/protocol.ts";
import { someCampaign } from "../helpers/campaign.ts";
import { describeWithService } from "../helpers/services.ts";
import {
  eventually,
  filesBelow,
  holdRuns,
  jobsOf,
  listen,
  mustRun,
  queued,
  researcher,
  stateFolder,
  type Researcher,
} from "../helpers/swarm.ts";
import { newSample } from "../helpers/tool.ts";

const RUNALL = fileURLToPath(new URL("../../bin/runall-swarm.js", import.meta.url));
const ESC = "\u001b]0;PWNED\u0007\u001b[2J\u009b31m\r\nfake line";
/** Characters that no output may contain. */
const DANGEROUS = /[\0-\x08\x0b-\x1f\x7f-\x9f]/; // eslint-disable-line no-control-regex

describeWithService("redis-server", "what somebody else has written into the queue", () => {
  let user: Researcher;
  let redis: Redis;
  beforeAll(async () => {
    user = await researcher(0);
    redis = new Redis(path.join(stateFolder(user), "redis.sock"));
  });
  afterAll(async () => {
    redis.disconnect();
    await user[Symbol.asyncDispose]();
  });
  let sample: Awaited<ReturnType<typeof newSample>>;
  beforeEach(async () => {
    sample = await newSample();
  });
  afterEach(() => sample[Symbol.asyncDispose]());

  const notes = (): string => path.join(user.env["XDG_STATE_HOME"]!, "inet-swarm/campaigns");
  const tool = (args: readonly string[], cwd = sample.study) => user.run("runall-swarm", args, { cwd });
  /** A worker's name for a file of the campaign's checkout. */
  const named = (file: string, directory = "/etc"): string => path.join(directory, file).slice(1);
  const head = (): Promise<string> => sample.git("rev-parse", "HEAD");
  /** A campaign with one run that has ended, and a result that is not collected yet. */
  const forge = async (
    id: string,
    campaign: Partial<Campaign> = {},
    { run = {}, result = {} }: { run?: object; result?: object } = {},
  ): Promise<void> => {
    const whole = someCampaign({
      id,
      commit: await head(),
      study: "simulations",
      config: "Quick",
      runs: 1,
      directory: "/etc",
      createdAt: Date.now(),
      ...campaign,
    });
    await redis.set(`swarm:campaign:${id}`, JSON.stringify(whole));
    await redis.zadd("swarm:campaigns", Date.now(), id);
    await redis.sadd(`swarm:open:${id}`, 0);
    const job = { config: "Quick", runNumber: 0, iterationVariables: {}, repetition: 0, ...run };
    const store = path.join(stateFolder(user), "results", `${id}-0`, "1");
    const file = named("simulations/results/forged.sca", campaign.directory);
    await mkdir(path.join(store, path.dirname(file)), { recursive: true });
    await writeFile(path.join(store, file), "forged");
    const answer = {
      protocol: PROTOCOL,
      outcome: { state: "done", reason: "end" },
      usage: { wallTimeMs: 1 },
      stored: `${id}-0/1`,
      files: [{ path: file, sizeBytes: 6 }],
      startedAt: 1,
      finishedAt: 2,
      worker: "w",
      ...result,
    };
    const data = JSON.stringify({ protocol: PROTOCOL, campaign: id, run: job });
    const fields = { name: "x", data, opts: "{}", timestamp: 1, processedOn: 1, finishedOn: 2 };
    await redis.hset(`bull:run:${id}-0`, { ...fields, returnvalue: JSON.stringify(answer) });
  };
  const forget = async (id: string): Promise<void> => {
    await redis.zrem("swarm:campaigns", id);
    await redis.del(`swarm:campaign:${id}`, `swarm:open:${id}`, `bull:run:${id}-0`);
  };
  /** Files from a forged result. */
  const written = async (): Promise<string[]> =>
    (await filesBelow(sample.path)).filter((name) => name.includes("forged"));

  it.each<[string, Partial<Campaign>, string]>([
    ["another study", { study: "../../etc" }, "malformed at study"],
    ["an absolute study", { study: "/etc" }, "malformed at study"],
    ["git's own files as the study", { study: ".GIT/hooks" }, "malformed at study"],
    [
      "results above the checkout",
      { resultDirectory: "../../../x" },
      "are to be stored outside this checkout",
    ],
    ["absolute results", { resultDirectory: "/tmp/swarm-forged" }, "are to be stored outside this checkout"],
    [
      "git's own files as results",
      { resultDirectory: "../.git/hooks" },
      "are to be stored outside this checkout",
    ],
    ["a config that is a path", { config: "../../../forged" }, "malformed at config"],
    ["a commit of another project", { commit: "b".repeat(40) }, "is not a checkout of its project"],
    ["a commit that is an option", { commit: "--upload-pack=touch forged" }, "malformed at commit"],
    ["another id", { id: "another1" }, "malformed at id"],
  ])("is not followed if it names %s", async (_, campaign, message) => {
    await forge("forgeda1", campaign);
    for (const word of ["attach", "retry", "logs"]) {
      const { stderr, exitCode } = await tool([word, "forgeda1"]);
      expect(stderr).toContain(message);
      expect(exitCode).toBe(2);
    }
    expect(await filesBelow(path.join(sample.study, "results"))).toEqual([]);
    expect(await written()).toEqual([]);
    for (const place of ["/tmp/swarm-forged", path.resolve(sample.study, "../../../x")])
      await expect(access(place)).rejects.toThrow();
    await forget("forgeda1");
  });

  it("does not decide where results go: they go into the user's checkout, or nowhere", async () => {
    await forge("forgedb1", { directory: "/etc" });
    const outside = await tool(["attach", "forgedb1"], user.directory);
    expect(outside.stderr).toContain("was not queued from this machine");
    expect(outside.stderr).toContain(
      "change to a checkout of its project and run: runall-swarm attach forgedb1",
    );
    expect(outside.exitCode).toBe(2);
    expect((await tool(["attach", "forgedb1"])).exitCode).toBe(0);
    expect(await readFile(path.join(sample.study, "results/forged.sca"), "utf8")).toBe("forged");
    await forget("forgedb1");
  });

  it.each<[string, object, object]>([
    ["a result that is not its own", {}, { stored: "../../../../etc" }],
    ["a result of another run", {}, { stored: "forgedc1-1/1" }],
    ["a file above", {}, { files: [{ path: "../../forged.sca", sizeBytes: 6 }] }],
    ["an absolute file", {}, { files: [{ path: "/tmp/forged.sca", sizeBytes: 6 }] }],
    ["an output that is not one of its files", {}, { outputFile: "../../../../etc/passwd" }],
  ])("is not collected if it names %s", async (_, run, result) => {
    await forge("forgedc1", {}, { run, result });
    const logs = await tool(["logs", "forgedc1", "0"]);
    expect(logs).toMatchObject({ exitCode: 2, stdout: "" });
    const { stderr, exitCode } = await tool(["attach", "forgedc1"]);
    expect(stderr).toMatch(/#0 is retried: its worker's answer is malformed at (stored|files|outputFile)/);
    expect(exitCode).toBe(1);
    expect((await written()).filter((name) => name.endsWith(".sca"))).toEqual([]);
    await forget("forgedc1");
  });

  it.each<[string, object]>([
    ["another config", { config: "../../../forged" }],
    ["another run", { runNumber: 5 }],
    ["no number", { runNumber: "many" }],
  ])("is left out if a queued run names %s, and the rest is collected", async (_, run) => {
    await forge("forgedd1", {}, { run });
    const { stderr, stdout } = await tool(["attach", "forgedd1"]);
    expect(stderr).toMatch(/warning: some entries of campaign forgedd1 in the queue are damaged/);
    expect(stdout).toContain("1 without a record");
    expect(await written()).toEqual([]);
    await forget("forgedd1");
  });

  it("is not mistaken for the campaign that was queued from here, although it has its id", async () => {
    const { stdout } = await tool(["--detach", "-c", "Quick", "-r", "0"]);
    const id = /attach (\S+)/.exec(stdout)![1]!;
    // else a runner could mistake the forged campaign for its own
    await eventually(async () => expect(await redis.hget(`bull:run:${id}-0`, "finishedOn")).not.toBeNull());
    const mine = JSON.parse((await redis.get(`swarm:campaign:${id}`))!) as Campaign;
    await redis.set(`swarm:campaign:${id}`, JSON.stringify({ ...mine, config: "Load", directory: "/etc" }));
    const refused = await tool(["attach", id]);
    expect(refused.stderr).toContain("differs from the one that was queued here");
    expect(refused.exitCode).toBe(2);
    await redis.set(
      `swarm:campaign:${id}`,
      JSON.stringify({ ...mine, directory: "/etc", resultDirectory: "../.." }),
    );
    expect((await tool(["attach", id], user.directory)).exitCode).toBe(0);
    expect(await sample.results()).toContain(".swarm/Quick-0.json");
  });

  it("cannot send control sequences to a terminal", async () => {
    const outcome = { state: "failed", reason: ESC, error: ESC };
    await forge(
      "forgede1",
      { user: ESC, host: ESC, checkoutName: ESC },
      { run: { iterationVariables: { [ESC]: ESC } }, result: { outcome, warnings: [ESC], worker: ESC } },
    );
    for (const args of [
      ["list"],
      ["list", "--json"],
      ["logs", "forgede1", "7"],
      ["attach", "--json", "forgede1"],
      ["attach", "--verbose", "forgede1"],
      ["logs", "forgede1"],
      ["logs", "forgede1", "0"],
      ["attach", ESC],
    ]) {
      const { stdout, stderr } = await tool(args);
      expect(stdout + stderr).not.toMatch(DANGEROUS);
      expect((stdout + stderr).split("\n")).not.toContain("fake line");
    }
    expect((await tool(["logs", "forgede1"])).stdout).toContain(
      "\\x1b]0;PWNED\\x07\\x1b[2J\\x9b31m\\r\\nfake line",
    );
    await forget("forgede1");
  });

  it("does not prevent other campaigns from being listed, shown and collected if it is damaged", async () => {
    const { stdout } = await tool(["--detach", "-c", "Quick", "-r", "0..1"]);
    const id = /attach (\S+)/.exec(stdout)![1]!;
    await eventually(async () => expect(await jobsOf(user)).toMatchObject({ waiting: 0, running: 0 }));
    await redis.set("swarm:campaign:broken01", "{ no json");
    await redis.sadd("swarm:campaign:broken02", "of another type");
    await redis.set("swarm:campaign:broken03", JSON.stringify({ protocol: PROTOCOL }));
    await redis.set("swarm:campaign:broken04", JSON.stringify(someCampaign({ id: "broken04" })));
    await redis.set("swarm:open:broken04", "of another type");
    const names = ["broken01", "broken02", "broken03", "broken04", "../../x", ESC];
    for (const name of names) await redis.zadd("swarm:campaigns", 1, name);
    await redis.sadd(`swarm:open:${id}`, "nonsense", "-1", "1e3");
    const listed = await tool(["list"]);
    expect(listed.stdout).toContain(id);
    for (const name of names.slice(0, 4)) expect(listed.stderr).toContain(`campaign ${name}`);
    expect(listed.exitCode).toBe(0);
    const { origin } = new URL((await mustRun(user, ["dashboard"])).stdout.trim());
    const overview = await fetch(`${origin}/api/campaigns`);
    expect(overview.status).toBe(200);
    expect(await overview.text()).toContain(id);
    await redis.hset(`bull:run:${id}-1`, "returnvalue", "{ no json", "data", "{ no json");
    expect((await fetch(`${origin}/api/campaigns/${id}`)).status).toBe(200);
    const attached = await tool(["attach", id]);
    expect(attached.stderr).toContain(`queued run 1 of campaign ${id} is malformed`);
    expect(attached.stdout).toContain("1 done");
    expect(await sample.results()).toContain(".swarm/Quick-0.json");
    expect((await tool(["attach", "broken01"])).stderr).toContain("campaign broken01 is malformed");
    await writeFile(path.join(notes(), "broken01.json"), "{ no json");
    await writeFile(path.join(notes(), `${id}.json`), "{ no json");
    expect((await tool(["attach", id])).stderr).toMatch(
      new RegExp(`ignoring the note of campaign ${id}: .* not valid JSON`),
    );
    expect((await tool(["-c", "Quick", "-r", "2"])).exitCode).toBe(0);
    for (const name of names) await redis.zrem("swarm:campaigns", name);
  });

  it("cannot affect the notes, which only the user can access", async () => {
    const { stdout } = await tool(["--detach", "-c", "Quick", "-r", "0"]);
    const id = /attach (\S+)/.exec(stdout)![1]!;
    expect(await readdir(notes())).toContain(`${id}.json`);
    const { mode } = await stat(path.join(notes(), `${id}.json`));
    expect(mode & 0o777).toBe(0o600);
  });
});

describeWithService("redis-server", "a study that is moved", () => {
  it("is not created again at its old place, also while its campaign is followed; attach continues in the new place", async () => {
    await using user = await researcher(0);
    await using held = await holdRuns(user, 3);
    const running = user.startRunall("-c", "Load");
    await listen(running)("[2/12]");
    const moved = path.join(user.directory, "moved");
    await rename(user.sample.path, moved);
    await held.release();
    const { stderr, exitCode } = await running.finished;
    const from = (cwd: string, ...args: string[]) => user.run("runall-swarm", args, { cwd });
    const listed = JSON.parse((await from(user.directory, "list", "--json")).stdout) as {
      campaign: Campaign;
    }[];
    const { id } = listed[0]!.campaign;
    expect(stderr).toContain(`the study of campaign ${id} no longer exists: ${user.sample.path}`);
    expect(stderr).toContain(`change to its new folder and run: runall-swarm attach ${id}`);
    expect(exitCode).toBe(2);
    await expect(access(user.sample.path)).rejects.toThrow();
    const lost = await from(user.directory, "attach", id);
    expect(lost.stderr).toContain(
      `was queued from ${path.join(user.sample.path, "simulations")}, which no longer exists`,
    );
    expect(lost.exitCode).toBe(2);
    const study = path.join(moved, "simulations");
    expect((await from(study, "attach", id)).stdout).toMatch(/12 runs in .*: \d+ done/);
    await expect(access(user.sample.path)).rejects.toThrow();
    expect((await from(user.directory, "logs", id)).stdout).toMatch(/^Load #0 .*: done/m); // the note has the new place
    await rename(moved, user.sample.path);
  });
});

describeWithService(["redis-server", "script"], "what a simulation prints", () => {
  it("is shown on a terminal without control sequences, and unchanged in a file", async () => {
    await using user = await researcher(0);
    const id = await queued(user, "-c", "Quick", "-r", "0");
    await user.runall("attach", id);
    const record = JSON.parse(await user.sample.read("results/.swarm/Quick-0.json")) as {
      outputFile: string;
    };
    const file = path.join(user.sample.study, record.outputFile);
    await writeFile(file, `10 %\r20 %\r\n${ESC}\n`);
    expect((await user.runall("logs", id, "0")).stdout).toBe(await readFile(file, "utf8"));
    const command = `"${process.execPath}" "${RUNALL}" logs ${id} 0`;
    const { stdout } = await promisify(execFile)("script", ["-qec", command, "/dev/null"], { env: user.env });
    expect(stdout.replaceAll("\r\n", "\n")).toBe(
      "10 %\n20 %\n\\x1b]0;PWNED\\x07\\x1b[2J\\x9b31m\nfake line\n",
    );
  });
});
