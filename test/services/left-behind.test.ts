import { existsSync, readdirSync, readFileSync } from "node:fs";
import { chmod } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { describeWithService } from "../helpers/services.ts";
import {
  cacheFolder,
  eventually,
  jobsOf,
  kill,
  mustRun,
  NO_JOBS,
  pidsOf,
  processesOf,
  queued,
  researcher,
  type Researcher,
} from "../helpers/swarm.ts";

/** Actions of a run before or after its simulation, by its number. */
async function addProgram(user: Researcher, before: string, after = ""): Promise<void> {
  await user.sample.commit({
    "simulations/nasty": `#!/bin/sh
case "$*" in *"-q "*|-v) exec opp_run "$@" ;; esac
run=$(printf '%s\n' "$*" | sed -n 's/.*-r \\([0-9]*\\).*/\\1/p')
${before}
../src/mm1 -n ../src:. "$@"
code=$?
${after}
exit $code
`,
  });
  await chmod(path.join(user.sample.study, "nasty"), 0o755);
  await user.sample.commit({});
}

/** No other process sleeps for exactly this long. */
const SLEEP = `sleep 1000.${process.pid}`;
const DAEMON = `(setsid sh -c '${SLEEP}; echo late > results/late.sca' >/dev/null 2>&1 &)`;
const WITHOUT_ENVIRONMENT = `(setsid env -i /bin/sh -c '${SLEEP}; :' >/dev/null 2>&1 &)`;

/** Processes that sleep as runs of this test do, whatever their environment. */
function sleepers(): string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ").startsWith(SLEEP);
    } catch {
      return false; // not a process, or just ended
    }
  });
}

const NASTY = `case $run in
  0) ${DAEMON} ;;
  1) ${WITHOUT_ENVIRONMENT} ;;
  2) mkdir -p closed/deep; touch closed/deep/file; chmod 0 closed/deep closed ;;
  3) chmod 0555 . results ../src ;;
  4) echo changed > omnetpp.ini; rm -f ../src/*.ned; git init -q .. 2>/dev/null || : ;;
  5) chmod 0 ../../../../.. ;;
esac`;

describeWithService("redis-server", "what a run leaves behind", () => {
  it("never reaches the next run", async () => {
    await using user = await researcher(0, 1);
    await addProgram(user, "", NASTY);
    const first = await user.runall("./nasty", "-c", "Quick");
    expect(first.stdout).toMatch(/^8 runs in /m);
    expect(sleepers()).toEqual([]);
    const before = (await user.sample.results()).filter((file) => /^Quick.*\.sca$/.test(file));
    expect(before.length).toBeGreaterThanOrEqual(6); // one changed the sources of the repository, which is reported
    const again = await user.runall("-c", "Quick", "--rerun");
    expect(again).toMatchObject({ exitCode: 0 });
    expect(again.stdout).toMatch(/8 runs in .*: 8 done/);
    expect(again.stderr).not.toMatch(/warning/);
    expect((await user.sample.results()).filter((file) => file.includes("late"))).toEqual([]);
    expect(await jobsOf(user)).toEqual(NO_JOBS);
  });

  it("never becomes a binary that others run, or that the user has built", async () => {
    await using user = await researcher(0, 2);
    const program = path.join(user.sample.path, "src/mm1");
    await addProgram(user, `[ "$run" != 3 ] || printf '#!/bin/sh\\nexit 7\\n' > ../src/mm1`);
    const { stdout } = await user.runall("./nasty", "-c", "Quick");
    expect(stdout).toMatch(/8 runs in .*: 7 done, 1 (failed|crashed)/);
    expect(stdout).toMatch(/#3/);
    expect(await user.runall("-c", "Quick", "--rerun")).toMatchObject({ exitCode: 0 });
    expect(() => readFileSync(program)).toThrow("ENOENT"); // the user has built nothing
  });

  it("is stopped by the next runner, and when the swarm is removed", async () => {
    await using user = await researcher(0, 1);
    await addProgram(user, `${DAEMON}\n${WITHOUT_ENVIRONMENT}\n${SLEEP}`);
    const id = await queued(user, "./nasty", "-c", "Quick", "-r", "0");
    await eventually(() => expect(sleepers().length).toBe(3));
    await kill((await pidsOf(user))["runner"]!);
    expect(sleepers()).toHaveLength(3);
    await user.runall("cancel", id);
    await mustRun(user, ["resume"]);
    await eventually(() => expect(sleepers()).toEqual([]));
    await queued(user, "./nasty", "-c", "Quick", "-r", "1");
    await eventually(() => expect(sleepers().length).toBe(3));
    await kill((await pidsOf(user))["runner"]!);
    await mustRun(user, ["remove", "--force"]);
    expect(sleepers()).toEqual([]);
    expect(processesOf(user)).toEqual([]);
    expect(existsSync(cacheFolder(user))).toBe(false);
  });
});
