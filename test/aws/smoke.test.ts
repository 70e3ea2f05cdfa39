import { SetDesiredCapacityCommand } from "@aws-sdk/client-auto-scaling";
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { listLeftovers } from "../../src/providers/aws/leftovers.ts";
import type { Script } from "../helpers/aws-proxy.ts";
import { awsUser, type AwsUser } from "../helpers/aws-user.ts";
import { describeWithPythonTools, startEmulator, type Emulator } from "../helpers/emulator.ts";
import { describeWithService } from "../helpers/services.ts";
import { outcomes, SMOKE_SCRIPT, smokeAnswers, STARTED, startSmoke } from "../helpers/smoke.ts";
import { awsError } from "../helpers/stack-script.ts";

describeWithPythonTools("npm run aws:smoke", () => {
  describeWithService(["sshd", "redis-server"], "on the emulator", () => {
    let emulator: Emulator;
    beforeAll(async () => {
      emulator = await startEmulator();
    });
    afterAll(() => emulator[Symbol.asyncDispose]());

    /** A user of whom AWS answers some calls as the test says. */
    async function testUser(script?: Script) {
      const user = await awsUser(emulator);
      user.proxy.script = smokeAnswers(script);
      return user;
    }

    /** Starts the test without a campaign: these machines execute nothing. */
    const start = (user: AwsUser, ...options: string[]) => startSmoke(user, ["--no-campaign", ...options]);

    it("says without --yes what it would do, and does nothing", async () => {
      await using user = await testUser();
      const child = spawn(process.execPath, [SMOKE_SCRIPT], { cwd: user.directory, env: user.env });
      const [stdout, exitCode] = await Promise.all([
        text(child.stdout),
        new Promise((resolve) => child.once("close", resolve)),
      ]);
      expect(exitCode).toBe(2);
      expect(stdout).toContain("npm run aws:smoke -- --yes");
      expect(stdout).toMatch(/costs money: about \$\d/);
      expect(user.proxy.calls).toEqual([]);
    });

    it("creates, halts, resumes and removes a swarm, and reports each step without secrets", async () => {
      await using user = await testUser();
      const smoke = start(user);
      const first = await smoke.during(vi.waitFor(() => user.bootManager("smoke"), { timeout: STARTED }));
      await smoke.during(vi.waitUntil(() => smoke.output().includes("waiting until"), { timeout: STARTED }));
      await haltAsAlarmDoes();
      const second = vi.waitUntil(async () => (await user.bootManager("smoke")) !== first, {
        timeout: STARTED,
        interval: 200,
      });
      await smoke.during(second);
      const exitCode = await smoke.exitCode;
      const report = await smoke.report();
      expect(exitCode, report).toBe(0);
      expect(smoke.output()).toContain(report);
      expect(outcomes(report)).toEqual([
        "check this machine and the account: ok",
        "there is no swarm smoke yet: ok",
        "price of the swarm: ok",
        "create the swarm: ok",
        "its state: ok",
        "execute a campaign: skipped",
        "queue a campaign that nobody watches: skipped",
        "halts itself when idle: ok",
        "resume the swarm: ok",
        "collect the results of the second campaign: skipped",
        "remove the swarm: ok",
        "nothing is left: ok",
      ]);
      expect(report).toContain("- region: eu-central-1\n");
      expect(report).toContain("- machines: manager: 1 t3.large; workers: 1 machine c6i.large\n");
      expect(report).toContain("--max-hours 2, --idle-minutes 10");
      expect(report).toContain("nothing of it is billed from now on. Cost of the test: at most about $0.");
      expect(report).not.toMatch(/\d{12}|203\.0\.113/);
      expect(await listLeftovers(emulator.clients, "smoke")).toEqual([]);
    });

    /** What the idle alarm does; the emulator evaluates none. */
    async function haltAsAlarmDoes(): Promise<void> {
      for (const role of ["manager", "worker"]) {
        const AutoScalingGroupName = `swarm-smoke-${role}`;
        await emulator.clients.autoScaling.send(
          new SetDesiredCapacityCommand({ AutoScalingGroupName, DesiredCapacity: 0 }),
        );
      }
    }

    it("creates nothing that could cost more than --max-cost", async () => {
      await using user = await testUser();
      const smoke = start(user, "--max-cost", "0.50");
      const exitCode = await smoke.exitCode;
      const report = await smoke.report();
      expect(exitCode, report).toBe(1);
      expect(report).toMatch(/the test could cost \$\d\.\d\d: .*; --max-cost is \$0\.50/);
      expect(report).toContain("Nothing was created, so nothing is billed.");
      expect(user.proxy.calls).not.toContain("cloudformation:CreateStack");
    });

    it("removes what Ctrl-C has interrupted, and a second Ctrl-C does not interrupt that", async () => {
      await using user = await testUser();
      const smoke = start(user);
      const called = (action: string) =>
        smoke.during(vi.waitUntil(() => user.proxy.calls.includes(action), { timeout: STARTED }));
      await called("cloudformation:CreateStack");
      smoke.child.kill("SIGINT");
      await called("cloudformation:DeleteStack");
      smoke.child.kill("SIGINT");
      const exitCode = await smoke.exitCode;
      const report = await smoke.report();
      expect(exitCode, report).toBe(130);
      expect(outcomes(report).slice(-3)).toEqual([
        "create the swarm: interrupted",
        "remove the swarm: ok",
        "nothing is left: ok",
      ]);
      expect(report).toContain("nothing of it is billed from now on");
      expect(await listLeftovers(emulator.clients, "smoke")).toEqual([]);
    });

    it("says what may still be billed if AWS does not remove the swarm", async () => {
      await using user = await testUser((call) =>
        call.action === "cloudformation:DeleteStack"
          ? awsError(call, "AccessDenied", "arn:aws:iam::123456789012:user/ann is not authorized", 403)
          : undefined,
      );
      const smoke = start(user);
      const isCreating = (): boolean => user.proxy.calls.includes("cloudformation:CreateStack");
      await smoke.during(vi.waitUntil(isCreating, { timeout: STARTED }));
      smoke.child.kill("SIGTERM");
      const exitCode = await smoke.exitCode;
      const report = await smoke.report();
      expect(exitCode, report).toBe(130);
      expect(outcomes(report).slice(-4)).toEqual([
        "create the swarm: interrupted",
        "remove the swarm: failed",
        "remove the swarm, once more: failed",
        "nothing is left: failed",
      ]);
      expect(report).toContain("**Something may still be billed.** Look with `swarm-tool status smoke`");
      expect(report).toContain("arn:aws:iam::ACCOUNT:user/USER is not authorized");
      expect(smoke.output()).toContain("interrupted by SIGTERM");
    });
  });
});
