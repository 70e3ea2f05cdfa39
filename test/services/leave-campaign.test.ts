import { afterEach, beforeEach, expect, it } from "vitest";
import { describeWithService } from "../helpers/services.ts";
import {
  eventually,
  holdRuns,
  jobsOf,
  listen,
  queued,
  researcher,
  type Researcher,
} from "../helpers/swarm.ts";

describeWithService("redis-server", "Ctrl-C in attach", () => {
  let user: Researcher;
  beforeEach(async () => {
    user = await researcher(0);
  });
  afterEach(() => user[Symbol.asyncDispose]());

  it("leaves the campaign running, which can be attached to again", async () => {
    await using held = await holdRuns(user, 2);
    const id = await queued(user, "-c", "Quick");
    const left = user.startRunall("attach", id);
    await listen(left)("[2/8]");
    left.child.kill("SIGINT");
    const { exitCode, stdout, stderr } = await left.finished;
    expect([exitCode, stdout]).toEqual([130, ""]);
    expect(stderr).toContain(`campaign ${id} continues, with 6 runs not yet collected`);
    expect(stderr).toContain(`cancel it with: runall-swarm cancel ${id}`);
    await eventually(async () => expect(await jobsOf(user)).toMatchObject({ running: 2, waiting: 4 }));
    const logs = (await user.runall("logs", id)).stdout;
    expect(logs.match(/: done, /g)).toHaveLength(2);
    expect(logs.match(/: running$/gm)).toHaveLength(2);
    expect(logs).toContain(
      `6 of 8 runs not yet collected (4 waiting, 2 running); run: runall-swarm attach ${id}\n`,
    );

    await held.release();
    const attached = await user.runall("attach", id);
    expect(attached).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(": 8 done.") as string });
  });

  it("ends the JSON events with the number of runs that are left", async () => {
    await using _ = await holdRuns(user, 1);
    const id = await queued(user, "-c", "Quick");
    const left = user.startRunall("attach", id, "--json");
    let printed = "";
    left.child.stdout!.on("data", (chunk: Buffer) => (printed += chunk.toString()));
    await eventually(() => expect(printed).toContain('"finished"'));
    left.child.kill("SIGINT");
    const lines = (await left.finished).stdout.trimEnd().split("\n");
    expect(JSON.parse(lines.at(-1)!)).toEqual({ type: "left", campaign: id, runs: 7 });
  });
});
