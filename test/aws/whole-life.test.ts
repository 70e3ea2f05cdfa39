import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { listLeftovers } from "../../src/providers/aws/leftovers.ts";
import { IMAGE_OPTIONS, startAwsLife, type AwsLife } from "../helpers/aws-life.ts";
import { booted, type AwsMachine } from "../helpers/aws-machine.ts";
import { INIT } from "../helpers/aws-user.ts";
import { evaluateAlarm } from "../helpers/cloud-watch.ts";
import { describeWithDocker } from "../helpers/docker.ts";
import { describeWithPythonTools } from "../helpers/emulator.ts";
import { eventually } from "../helpers/swarm.ts";
import { newSample, type Finished, type Sample } from "../helpers/tool.ts";
import { compareResults } from "../real-omnetpp/compare-results.js";

const MINUTES = 60_000;
const run = promisify(execFile);
vi.setConfig({ testTimeout: 10 * MINUTES, hookTimeout: 10 * MINUTES });

/**
 * The life of a swarm with AWS's emulator and machines that run the template's own boot scripts with a real Docker:
 * what the volume keeps, and how workers find a new manager, is then up to Docker itself.
 */
describeWithPythonTools("a swarm on AWS, with the machines' own boot scripts", () => {
  describeWithDocker("and a real Docker", () => {
    let life: AwsLife;
    let sample: Sample;

    beforeAll(async () => {
      [life, sample] = await Promise.all([startAwsLife("inet"), newSample()]);
    });
    afterAll(async () => {
      for (const each of [sample, life]) await each[Symbol.asyncDispose]();
    });

    it("executes queued runs without the client, halts itself after an idle hour, and returns all results after resume", async () => {
      const { emulator, user, boot, noted, pass } = life;
      const init = user.tool(...INIT, "--workers", "1", "--runners", "2", ...IMAGE_OPTIONS);
      let manager = await boot("manager");
      const worker = await boot("worker");
      succeeded(await init);
      await booted(worker);

      await sample.commit({ setenv: "export STAND_IN_RUN_MS=8000\n" });
      const runall = (...args: string[]) => user.run("runall-swarm", args, { cwd: sample.study });
      const queued = await runall("-c", "Quick", "--repeat=3", "--detach"); // 12 runs, which take longer than the dashboard needs to notice them
      succeeded(queued);
      const [, campaign = ""] = /runall-swarm attach (\S+)/.exec(queued.stdout)!;

      await noted(manager, "1");
      expect((await pass(manager)).fires).toBe(false);
      await eventually(
        async () => expect((await user.status()).jobs).toEqual({ waiting: 0, running: 0, uncollected: 12 }),
        120_000,
      );
      expect(
        await manager.docker("service", "ps", "--filter", "desired-state=running", "swarm-inet_runner"),
      ).toMatch(/worker-/);
      await noted(manager, "0");
      const periods: boolean[] = [];
      while (!periods.at(-1)) periods.push((await pass(manager)).fires);
      expect(periods).toHaveLength(12);

      expect(await life.runningInstances()).toBe(0);
      await life.terminate();
      expect(await user.status()).toMatchObject({
        state: "halted",
        machines: [],
        volumes: [{ sizeGiB: 50 }],
      });
      expect(await listLeftovers(emulator.clients, "inet")).toEqual([
        expect.stringMatching(/^volume/) as string,
        expect.stringMatching(/^network/) as string,
        "key pair swarm-inet",
        ...["manager", "worker"].map((role) => `launch template swarm-inet-${role}`),
        ...["manager", "worker"].map((role) => `auto scaling group swarm-inet-${role}`),
        ...["idle", "silent", "life-manager", "life-worker"].map((name) => `alarm swarm-inet-${name}`),
        ...["host-key", "worker-join"].map((name) => `parameter /swarm/inet/${name}`),
      ]);
      life.passMs(30 * 24 * 60 * MINUTES);
      expect((await evaluateAlarm(emulator, "swarm-inet-idle", life.now())).fires).toBe(false); // no data any more
      expect((await runall("attach", campaign)).stderr).toContain("the swarm inet is halted");

      const resume = user.tool("resume");
      const before = manager;
      manager = await boot("manager", before);
      await boot("worker", worker);
      succeeded(await resume);
      expect((await evaluateAlarm(emulator, "swarm-inet-idle", life.now())).fires).toBe(false);
      succeeded(await runall("attach", campaign));
      await expectSameAsHere();
      await expectPortsClosed(manager);

      succeeded(await user.tool("remove", "inet")); // without confirmation: everything is collected
      expect(await listLeftovers(emulator.clients, "inet")).toEqual([]);
    });

    async function expectSameAsHere(): Promise<void> {
      await using other = await newSample();
      expect(await life.user.tool("init", "--local")).toMatchObject({ exitCode: 0 });
      const local = ["-c", "Quick", "--repeat=3", "--swarm", "local"];
      expect(await life.user.run("runall-swarm", local, { cwd: other.study })).toMatchObject({ exitCode: 0 });
      const [expected, actual] = [other, sample].map(({ study }) => path.join(study, "results"));
      const { differences, files } = await compareResults(expected!, actual!);
      expect(differences).toEqual([]);
      expect(files).toBeGreaterThan(24);
    }

    /** The services answer only on the manager's own loopback address. */
    async function expectPortsClosed({ enter }: AwsMachine): Promise<void> {
      const { stdout: listening } = await run(enter[0]!, [...enter.slice(1), "cat", "/proc/net/tcp"]);
      for (const port of [6379, 27017, 9181, 8080]) {
        const hex = port.toString(16).toUpperCase().padStart(4, "0");
        expect(listening).toContain(`0100007F:${hex} 00000000:0000 0A`);
        expect(listening).not.toContain(`00000000:${hex} 00000000:0000 0A`);
      }
    }
  });
});

function succeeded({ exitCode, stderr }: Finished): void {
  expect(exitCode, stderr).toBe(0);
}
