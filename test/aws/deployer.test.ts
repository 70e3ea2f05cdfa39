import path from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { UserError } from "../../src/errors.ts";
import { drain, type ProgressEvent } from "../../src/providers/provider.ts";
import { haltSwarm } from "../../src/providers/aws/power.ts";
import { describeSwarm } from "../../src/providers/aws/status.ts";
import { existingAws } from "../../src/providers/aws/swarm.ts";
import type { ReachableSwarm, SwarmDeployer } from "../../src/providers/reachable-swarm.ts";
import type { JobCounts } from "../../src/providers/target.ts";
import { awsUser, INIT, type AwsUser } from "../helpers/aws-user.ts";
import { describeWithPythonTools, startEmulator, type Emulator } from "../helpers/emulator.ts";
import { describeWithService } from "../helpers/services.ts";

const never = new AbortController().signal;
const JOBS: JobCounts = { waiting: 3, running: 0, uncollected: 5 };

/** The part of a deployer that halting needs. */
function deployer(removeRunners: (swarm: ReachableSwarm) => Promise<JobCounts>): SwarmDeployer {
  const unexpected = (): never => {
    throw new Error("nothing is deployed here");
  };
  return {
    removeRunners,
    countJobs: () => Promise.resolve(JOBS),
    connectedRunners: () => Promise.resolve([]),
    unconnectedRunners: () => Promise.resolve([]),
    deploy: unexpected,
    access: unexpected,
  };
}

describeWithPythonTools("a swarm on AWS with services", () => {
  describeWithService(["sshd", "redis-server"], "on the emulator", () => {
    let emulator: Emulator;
    let user: AwsUser;
    beforeAll(async () => {
      emulator = await startEmulator();
      user = await awsUser(emulator);
      vi.stubEnv("XDG_STATE_HOME", path.join(user.directory, "state"));
      const init = user.tool(...INIT);
      await user.bootManager();
      expect(await init).toMatchObject({ exitCode: 0 });
    });
    afterAll(async () => {
      vi.unstubAllEnvs();
      await user[Symbol.asyncDispose]();
      await emulator[Symbol.asyncDispose]();
    });

    it("is halted even if its runners cannot be removed, and keeps queued runs on its volume", async () => {
      const state = await existingAws("inet");
      const events: ProgressEvent[] = [];
      const sockets: string[] = [];
      const { clients } = emulator;
      const before = await describeSwarm(
        clients,
        state,
        deployer(() => Promise.resolve(JOBS)),
        never,
      );
      expect(before.jobs).toEqual(JOBS);
      const failing = deployer((swarm) => {
        sockets.push(swarm.docker.host!);
        return Promise.reject(new UserError("Docker does not answer"));
      });
      expect(await drain(haltSwarm(clients, state, failing, never), (event) => events.push(event))).toBe(
        true,
      );
      expect(sockets).toEqual([`unix://${before.tunnel.dockerSocket}`]);
      expect(events).toContainEqual({
        type: "warning",
        text: "cannot remove the runners: Docker does not answer",
      });
      expect((await user.status()).machines).toEqual([]);

      const resume = user.tool("resume");
      await vi.waitUntil(async () => (await user.bootManager()) !== before.machines[0]!.id, {
        timeout: 60_000,
      });
      expect(await resume).toMatchObject({ exitCode: 0 });
      const working = deployer(() => Promise.resolve(JOBS));
      await drain(haltSwarm(clients, await existingAws("inet"), working, never), () => undefined);
      const halted = await user.status();
      expect(halted).toMatchObject({ state: "halted", jobs: JOBS });
      const asked = await user.tool("remove");
      expect(asked.stderr).toContain("8 runs of the swarm inet are queued, running or not yet collected");
      expect(await user.tool("remove", "--yes")).toMatchObject({ exitCode: 0 });
    });
  });
});
