import { chmod, readdir } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { inetLike, newWorkspace, simu5gLike, type Workspace } from "../helpers/projects.ts";
import type { Repository } from "../helpers/git.ts";
import { describeWithService } from "../helpers/services.ts";
import { mustRun } from "../helpers/swarm.ts";
import { newUser, type User } from "../helpers/tool.ts";

/** Two projects side by side, one of which needs the other: on a worker, all slots share the needed one. */
describeWithService("redis-server", "a run that writes into a project that its own needs", () => {
  let user: User;
  let workspace: Workspace;
  let model: Repository;
  let study: string;
  beforeAll(async () => {
    [user, workspace] = await Promise.all([newUser(), newWorkspace()]);
    await mustRun(user, ["init", "--local", "--runners", "2"]);
    model = await workspace.add("model", await inetLike("written"));
    const cell = await workspace.add("cell", {
      ...simu5gLike("model"),
      "simulations/writing": [
        "#!/bin/sh",
        'set -- -n ../../model/src:../src:. "$@"',
        '[ ! -e ../../model/src/libMODEL.so ] || set -- -l ../../model/src/MODEL "$@"', // not when runs are listed
        'case "$*" in *"-q "*|*"-e "*|-v) exec opp_run "$@" ;; esac',
        'case "$*" in *"-r 1"*) echo "// changed" >>../../model/src/name.h ;; esac',
        'exec opp_run "$@"',
        "",
      ].join("\n"),
    });
    study = path.join(cell.path, "simulations");
    await chmod(path.join(study, "writing"), 0o755);
    await cell.commit({});
  });
  afterAll(async () => {
    await user[Symbol.asyncDispose]();
    await workspace[Symbol.asyncDispose]();
  });
  const runall = (...args: string[]) => user.run("runall-swarm", args, { cwd: study });

  it("has not completed, and no other run sees what it wrote", async () => {
    const { exitCode, stdout, stderr } = await runall("./writing", "-c", "General");
    expect(stdout, stderr).toMatch(/2 runs in .*: 1 done, 1 failed/);
    expect(`${stdout}${stderr}`).toContain(
      `${path.join(model.path, "src/name.h")} (in the needed project model, which a run must not change)`,
    );
    expect(exitCode).toBe(1);
    const repeated = await runall("--rerun", "./writing", "-c", "General", "-r", "0");
    expect(repeated.stdout, repeated.stderr).toMatch(/1 done/);
    expect(await model.git("status", "--porcelain")).toBe("");
  });

  it("has completed if its results belong there", async () => {
    const { exitCode, stdout, stderr } = await runall("-c", "General", "--result-dir=../../model/results");
    expect({ exitCode, stdout }, stderr).toMatchObject({ exitCode: 0 });
    const names = await readdir(path.join(model.path, "results"));
    expect(names.filter((name) => name.endsWith(".sca"))).toHaveLength(2);
  });
});
