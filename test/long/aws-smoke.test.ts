import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { listLeftovers } from "../../src/providers/aws/leftovers.ts";
import { IMAGE_OPTIONS, startAwsLife, type AwsLife } from "../helpers/aws-life.ts";
import { booted } from "../helpers/aws-machine.ts";
import { evaluateAlarm } from "../helpers/cloud-watch.ts";
import { describeWithDocker } from "../helpers/docker.ts";
import { describeWithPythonTools } from "../helpers/emulator.ts";
import { outcomes, smokeAnswers, startSmoke } from "../helpers/smoke.ts";
import { eventually } from "../helpers/swarm.ts";

const MINUTES = 60_000;
vi.setConfig({ testTimeout: 10 * MINUTES, hookTimeout: 10 * MINUTES });

/** The idle time passes by the test's clock: the machines report in each period, and the test evaluates the alarm. */
describeWithPythonTools("npm run aws:smoke, with the machines' own boot scripts", () => {
  describeWithDocker("and a real Docker", () => {
    let life: AwsLife;
    beforeAll(async () => {
      life = await startAwsLife("smoke", 10);
    });
    afterAll(() => life[Symbol.asyncDispose]());

    it("executes campaigns before and after the swarm has halted itself, and removes it", async () => {
      const { emulator, user, boot, noted, pass } = life;
      user.proxy.script = smokeAnswers();
      const smoke = startSmoke(user, [], ["--runners", "2", ...IMAGE_OPTIONS]);
      const manager = await smoke.during(boot("manager"));
      const worker = await smoke.during(boot("worker"));
      await smoke.during(booted(worker));
      await smoke.during(
        vi.waitUntil(() => smoke.output().includes("waiting until the swarm halts itself"), {
          timeout: 5 * MINUTES,
        }),
      );
      const jobs = { waiting: 0, running: 0, uncollected: 12 };
      await eventually(async () => expect((await user.status("smoke")).jobs).toEqual(jobs), 2 * MINUTES);
      await noted(manager, "0");
      const periods: boolean[] = [];
      while (!periods.at(-1) && periods.length < 10) periods.push((await pass(manager)).fires);
      expect(periods).toEqual([false, true]);
      expect(await life.runningInstances()).toBe(0);
      await life.terminate();
      life.passMs(60 * MINUTES);
      await evaluateAlarm(emulator, "swarm-smoke-idle", life.now());

      await smoke.during(boot("manager", manager));
      await smoke.during(boot("worker", worker));
      const exitCode = await smoke.exitCode;
      const report = await smoke.report();
      expect(exitCode, `${report}\n${smoke.output()}`).toBe(0);
      expect(outcomes(report)).toEqual(
        [
          "check this machine and the account",
          "there is no swarm smoke yet",
          "price of the swarm",
          "create the swarm",
          "its state",
          "execute a campaign",
          "queue a campaign that nobody watches",
          "halts itself when idle",
          "resume the swarm",
          "collect the results of the second campaign",
          "remove the swarm",
          "nothing is left",
        ].map((step) => `${step}: ok`),
      );
      expect(await listLeftovers(emulator.clients, "smoke")).toEqual([]);
    });
  });
});
