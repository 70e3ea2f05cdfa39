import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findProgram } from "../../scripts/setup.js";
import { describeWithService } from "../helpers/services.ts";
import { eventually, queued, researcher, type Researcher } from "../helpers/swarm.ts";

const BIN = fileURLToPath(new URL("../../bin", import.meta.url));

describeWithService("redis-server", "completion", () => {
  let user: Researcher;
  beforeAll(async () => {
    user = await researcher(0, 1);
  });
  afterAll(() => user[Symbol.asyncDispose]());

  /** The candidates for the last word of a command line, as bash gets them after the tab key. */
  const inBash = async (...words: string[]): Promise<string[]> => {
    const script = path.join(user.directory, "complete.bash");
    const tool = words[0]!;
    await writeFile(
      script,
      `${tool}() { "${process.execPath}" "${BIN}/${tool}.js" "$@"; }
source <(${tool} completion bash)
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_${tool.replace("-", "_")}
printf '%s\\n' "\${COMPREPLY[@]}"\n`,
    );
    const printed = execFileSync("bash", [script, ...words], { cwd: user.sample.study, env: user.env });
    return printed.toString().split("\n").slice(0, -1);
  };

  /** On a busy machine it gives up now and then, as intended: the user does not wait. */
  const expectInBash = (words: readonly string[], expected: readonly string[]): Promise<unknown> =>
    eventually(async () => expect(await inBash(...words)).toEqual(expected));

  it("completes subcommands and options", async () => {
    expect(await inBash("runall-swarm", "")).toEqual([
      "list",
      "attach",
      "retry",
      "cancel",
      "logs",
      "explain",
    ]);
    expect(await inBash("runall-swarm", "re")).toEqual(["retry"]);
    expect(await inBash("runall-swarm", "--de")).toEqual(["--detach"]);
    expect(await inBash("runall-swarm", "attach", "--j")).toEqual(["--json"]);
    expect(await inBash("swarm-tool", "re")).toEqual(["resume", "remove"]);
    expect(await inBash("swarm-tool", "init", "--l")).toEqual(["--local"]);
  });

  it("queries the simulator for the configs of the study, also in another folder", async () => {
    const configs = ["General", "Load", "Quick", "Broken", "Endless"];
    await expectInBash(["runall-swarm", "-c", ""], configs);
    await expectInBash(["runall-swarm", "-f", "omnetpp.ini", "-c", "Qu"], ["Quick"]);
    await expectInBash(["runall-swarm", "-C", user.sample.study, "--quiet", "-c", ""], configs);
    await expectInBash(["runall-swarm", "-C", "/", "-c", ""], [""]);
  });

  it("completes the names of swarms and campaigns", async () => {
    await expectInBash(["swarm-tool", "halt", ""], ["local"]);
    await expectInBash(["runall-swarm", "--swarm", "lo"], ["local"]);
    const id = await queued(user, "-c", "Quick");
    await expectInBash(["runall-swarm", "attach", ""], [id]);
    await expectInBash(["runall-swarm", "cancel", "--swarm", "local", id.slice(0, 3)], [id]);
    await expectInBash(["runall-swarm", "cancel", "--swarm", "other", ""], [""]);
  });

  it("names the supported shells", async () => {
    expect(await user.run("runall-swarm", ["completion", "tcsh"])).toMatchObject({
      exitCode: 2,
      stderr:
        "runall-swarm: no completion for the shell tcsh\nhint: runall-swarm completion bash | zsh | fish\n",
    });
  });

  it.skipIf(findProgram("fish") === undefined)("works in fish", async () => {
    const { stdout } = await user.run("runall-swarm", ["completion", "fish"]);
    const tool = `function runall-swarm; "${process.execPath}" "${BIN}/runall-swarm.js" $argv; end`;
    const script = `${tool}\n${stdout}\ncomplete -C "runall-swarm -c Qu"`;
    const printed = execFileSync("fish", ["-c", script], { cwd: user.sample.study, env: user.env });
    expect(printed.toString()).toBe("Quick\tconfig\n");
  });

  for (const shell of ["zsh", "fish"]) {
    describe.skipIf(findProgram(shell) === undefined)(`in ${shell}`, () => {
      it.each(["runall-swarm", "swarm-tool"] as const)("%s has a script without errors", async (tool) => {
        const script = path.join(user.directory, `${tool}.${shell}`);
        await writeFile(script, (await user.run(tool, ["completion", shell])).stdout);
        expect(execFileSync(shell, ["-n", script], { encoding: "utf8", stdio: "pipe" })).toBe("");
      });
    });
  }
});
