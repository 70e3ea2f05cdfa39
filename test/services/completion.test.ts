import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
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
  const inBash = async (of: Researcher, ...words: string[]): Promise<string[]> => {
    const script = path.join(of.directory, "complete.bash");
    const tool = words[0]!;
    await writeFile(
      script,
      `${tool}() { "${process.execPath}" "${BIN}/${tool}.js" "$@"; }
source <(${tool} completion bash)
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_${tool.replace("-", "_")}
printf '%s\\n' "\${COMPREPLY[@]}"\n`,
    );
    const printed = execFileSync("bash", [script, ...words], { cwd: of.sample.study, env: of.env });
    return printed.toString().split("\n").slice(0, -1);
  };

  /** On a busy machine it gives up now and then, as intended: the user does not wait. */
  const expectOf = (
    of: Researcher,
    words: readonly string[],
    expected: readonly string[],
  ): Promise<unknown> => eventually(async () => expect(await inBash(of, ...words)).toEqual(expected));
  const expectInBash = (words: readonly string[], expected: readonly string[]): Promise<unknown> =>
    expectOf(user, words, expected);

  it("completes subcommands and options", async () => {
    expect(await inBash(user, "runall-swarm", "")).toEqual([
      "list",
      "attach",
      "retry",
      "cancel",
      "logs",
      "results",
      "completion",
      "explain",
    ]);
    expect(await inBash(user, "runall-swarm", "re")).toEqual(["retry", "results"]);
    expect(await inBash(user, "runall-swarm", "--de")).toEqual(["--detach"]);
    expect(await inBash(user, "runall-swarm", "attach", "--j")).toEqual(["--json"]);
    expect(await inBash(user, "swarm-tool", "re")).toEqual(["resume", "remove"]);
    expect(await inBash(user, "swarm-tool", "init", "--l")).toEqual(["--local"]);
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
    await expectInBash(["runall-swarm", "attach", ""], [id, "last"]);
    await expectInBash(["runall-swarm", "cancel", "--swarm", "local", id.slice(0, 3)], [id]);
    await expectInBash(["runall-swarm", "cancel", "--swarm", "other", ""], [""]);
  });

  it("completes scalars and iteration variables of results", async () => {
    await using own = await researcher(0, 1);
    expect(await own.runall("-c", "Load", "-r", "0")).toMatchObject({ exitCode: 0 });
    const scalars = ["runall-swarm", "results", "--scalar"];
    await expectOf(
      own,
      [...scalars, "Mm1.queue.queueL"],
      ["Mm1.queue.queueLength:max", "Mm1.queue.queueLength:timeavg"],
    );
    await expectOf(
      own,
      ["runall-swarm", "results", "last", "--scalar", "Mm1.sou"],
      ["Mm1.source.arrivalRate"],
    );
    await expectOf(own, ["runall-swarm", "results", "--by", ""], ["arrivalRate", "repetition"]);
    await expectOf(own, ["runall-swarm", "results", "--by", "arrivalRate,"], ["arrivalRate,repetition"]);
    await expectOf(own, [...scalars, "nosuch"], [""]);
  });

  it("names the supported shells", async () => {
    expect(await user.run("runall-swarm", ["completion", "tcsh"])).toMatchObject({
      exitCode: 2,
      stderr:
        "runall-swarm: no completion for the shell tcsh\nhint: runall-swarm completion bash | zsh | fish\n",
    });
  });

  it("offers --help, and completes the names of commands for help", async () => {
    expect(await inBash(user, "runall-swarm", "--h")).toEqual(["--help"]);
    expect(await inBash(user, "swarm-tool", "--h")).toEqual(["--help"]);
    expect(await inBash(user, "swarm-tool", "halt", "--h")).toEqual(["--help"]);
    expect(await inBash(user, "swarm-tool", "help", "po")).toEqual(["policy"]);
  });

  it("completes values by what the option or the argument means", async () => {
    expect(await inBash(user, "swarm-tool", "init", "--manager-type", "t3.")).toEqual([
      "t3.large",
      "t3.xlarge",
      "t3.2xlarge",
    ]);
    const nothing = [""];
    for (const option of ["--workers", "--runners", "--max-hours", "--volume-size", "--idle-minutes"])
      expect(await inBash(user, "swarm-tool", "init", option, "")).toEqual(nothing);
    expect(await inBash(user, "swarm-tool", "scale", "")).toEqual(nothing);
    expect(await inBash(user, "swarm-tool", "scale", "3", "")).toEqual(["local"]);
    expect(await inBash(user, "swarm-tool", "status", "local", "")).toEqual(nothing);
    expect(await inBash(user, "swarm-tool", "doctor", "")).toEqual(nothing);
    expect(await inBash(user, "swarm-tool", "completion", "")).toEqual(["bash", "zsh", "fish"]);
    expect(await inBash(user, "runall-swarm", "--swarm", "=", "lo")).toEqual(["local"]);
    expect(await inBash(user, "runall-swarm", "--swarm", "=")).toEqual(["local"]);
  });

  it("completes what other programs know: profiles and regions, Docker contexts, branches and tags", async () => {
    const home = user.env["HOME"]!;
    await Promise.all(
      [".aws", ".docker/contexts/meta/a", ".docker/contexts/meta/b"].map((folder) =>
        mkdir(path.join(home, folder), { recursive: true }),
      ),
    );
    await writeFile(path.join(home, ".aws/config"), "[default]\nregion=x\n[profile lab ]\n[sso-session s]\n");
    await writeFile(path.join(home, ".aws/credentials"), "[default]\n[other]\naws_access_key_id=[no]\n");
    await writeFile(path.join(home, ".docker/contexts/meta/a/meta.json"), '{"Name":"cluster"}');
    await writeFile(path.join(home, ".docker/contexts/meta/b/meta.json"), "damaged");
    execFileSync("git", ["tag", "v1.0"], { cwd: user.sample.study });
    const branch = execFileSync("git", ["branch", "--show-current"], { cwd: user.sample.study });
    await expectInBash(["swarm-tool", "init", "--profile", ""], ["default", "lab", "other"]);
    await expectInBash(["swarm-tool", "init", "--region", "eu-c"], ["eu-central-1"]);
    await expectInBash(["swarm-tool", "init", "--context", ""], ["default", "cluster"]);
    await expectInBash(["runall-swarm", "--commit", "v1"], ["v1.0"]);
    await expectInBash(["runall-swarm", "--commit", ""], [branch.toString().trim(), "v1.0"]);
    await expectInBash(["runall-swarm", "-C", "/", "--commit", ""], [""]);
  });

  it("completes the runs of a campaign for logs, also by the beginning of its id", async () => {
    const id = await queued(user, "-c", "Load");
    await expectInBash(["runall-swarm", "logs", id, "1"], ["1", "10", "11"]);
    await expectInBash(["runall-swarm", "logs", "last", "1"], ["1", "10", "11"]);
    await expectInBash(["runall-swarm", "logs", "--swarm", "local", id.slice(0, 5), "1"], ["1", "10", "11"]);
    await expectInBash(["runall-swarm", "attach", id, "1"], [""]);
  });
});
