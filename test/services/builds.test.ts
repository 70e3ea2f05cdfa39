import { execFile } from "node:child_process";
import { chmod, readFile, rename, utimes } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { findProgram } from "../../scripts/setup.js";
import type { CampaignEvent } from "../../src/model/events.ts";
import { describeWithService } from "../helpers/services.ts";
import {
  buildspec,
  mm1Sources,
  newWorkspace,
  STUDY,
  type Files,
  type Workspace,
} from "../helpers/projects.ts";
import { jobsOf, NO_JOBS } from "../helpers/swarm.ts";
import { newUser, type Finished, type User } from "../helpers/tool.ts";

/** As the IDE generates it. */
const IDE_MAKEFILE = [
  "all: checkmakefiles",
  "\t@cd src && $(MAKE)",
  "makefiles:",
  "\t@cd src && opp_makemake -f --deep",
  "checkmakefiles:",
  "\t@if [ ! -f src/Makefile ]; then echo run make makefiles; exit 1; fi",
  "",
].join("\n");
const PROJECT = "<projectDescription><name>other than the folder</name></projectDescription>\n";
const IGNORED = "/src/Makefile\n*.so\nout/\nresults/\n/src/src\n/src/model\n";

describeWithService("redis-server", "a build determines which binaries run", () => {
  let user: User;
  let workspace: Workspace;

  beforeAll(async () => {
    user = await newUser();
    await user.run("swarm-tool", ["init", "--local", "--runners", "2"]);
  });
  afterAll(() => user[Symbol.asyncDispose]());
  beforeEach(async () => {
    workspace = await newWorkspace();
    return () => workspace[Symbol.asyncDispose]();
  });

  /** The sample in the IDE's layout: `src` and `simulations`. */
  const layout = async (files: Files): Promise<Files> => ({
    ...(await mm1Sources("src")),
    "simulations/omnetpp.ini": STUDY,
    ".nedfolders": "src\nsimulations\n",
    ".gitignore": IGNORED,
    ...files,
  });
  const runall = (folder: string, ...args: string[]): Promise<Finished> =>
    user.run("runall-swarm", [...args, "-c", "General"], { cwd: folder });
  const expectSuccess = async (folder: string, ...args: string[]): Promise<Finished> => {
    const finished = await runall(folder, ...args);
    expect(finished.exitCode, finished.stderr + finished.stdout).toBe(0);
    expect(finished.stdout).toContain("2 done");
    return finished;
  };
  const expectRefusal = async (
    folder: string,
    message: string | RegExp,
    ...args: string[]
  ): Promise<void> => {
    const { exitCode, stderr } = await runall(folder, ...args);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect(exitCode).toBe(2);
    expect(await jobsOf(user)).toEqual(NO_JOBS);
    const status = await promisify(execFile)("git", ["status", "--porcelain", "--ignored"], { cwd: folder });
    expect(status.stdout).toBe("");
  };

  it.each<[string, Files]>([
    [
      "named after the project's folder",
      { ".project": PROJECT, ".oppbuildspec": buildspec("src", "--deep") },
    ],
    ["named after its own folder", { ".oppbuildspec": buildspec("src", "--deep") }],
    [
      "by --output NAME",
      { ".project": PROJECT, ".oppbuildspec": buildspec("src", "--deep --output m m.cc") },
    ],
    ["by --output=NAME", { ".project": PROJECT, ".oppbuildspec": buildspec("src", "--deep --output=sim") }],
    ["by the IDE's Makefile", { ".project": PROJECT, Makefile: IDE_MAKEFILE }],
    [
      "by a Makefile that needs the IDE",
      {
        ".oppbuildspec": buildspec("src", "--deep"),
        Makefile: "all:\n\t@cd src && $(MAKE)\n",
      },
    ],
    ["a library", { ".project": PROJECT, ".oppbuildspec": buildspec("src", "--deep --make-so") }],
  ])("in an IDE project whose target is %s", async (_, files) => {
    const { path: top } = await workspace.add("model", await layout(files));
    const study = path.join(top, "simulations");
    const { stderr } = await expectSuccess(study, "--verbose");
    expect(stderr).toContain("building model");
    expect((await runall(study)).stdout).toContain("2 of them earlier");
  });

  it("and reports the files that it compiles", async () => {
    const { path: top } = await workspace.add("told", await layout({ ".project": PROJECT }));
    const { stdout } = await runall(path.join(top, "simulations"), "--json");
    const events = stdout.trim().split("\n").map((line) => JSON.parse(line) as CampaignEvent); // prettier-ignore
    const compiling = events.filter((event) => event.type === "compiling");
    expect(compiling[0]).toMatchObject({ started: 1, file: expect.stringMatching(/\.cc$/) as string });
    const types = events.map(({ type }) => type);
    expect(types.lastIndexOf("compiling")).toBeLessThan(types.indexOf("built"));
  });

  it("with a study and its sources in sibling folders", async () => {
    const { path: top } = await workspace.add("model", {
      ...(await mm1Sources("lib")),
      ".oppbuildspec": buildspec(".", "--deep -O out -o sim"),
      ".nedfolders": "lib\napp\n",
      "app/omnetpp.ini": STUDY,
      ".gitignore": "results/\nout/\nMakefile\n/sim\n",
    });
    await expectSuccess(path.join(top, "app"));
  });

  const CMAKE = [
    "cmake_minimum_required(VERSION 3.10)",
    "project(model NONE)",
    "list(APPEND CMAKE_MODULE_PATH ${CMAKE_SOURCE_DIR}/cmake)",
    "find_package(OmnetPP REQUIRED)",
    "add_custom_target(sim ALL COMMAND sh ${CMAKE_SOURCE_DIR}/link.sh ${CMAKE_BINARY_DIR}/sim)",
    "",
  ].join("\n");
  const withCmake = async (files: Files): Promise<Files> => ({
    ...(await layout(files)),
    "cmake/FindOmnetPP.cmake": "set(OmnetPP_FOUND TRUE)\n",
    "link.sh": `printf '#!/bin/sh\\nSTAND_IN_EXECUTABLE=sim exec opp_run "$@"\\n' > "$1"; chmod +x "$1"\n`,
    ".gitignore": "build/\nresults/\n",
  });

  it.runIf(findProgram("cmake") !== undefined).each<[string, Files]>([
    ["by itself", { "CMakeLists.txt": CMAKE }],
    [
      "by the commands of swarm.json",
      {
        "CMakeLists.txt": CMAKE.replace(/find_package.*\n/, ""),
        "swarm.json": '{ "build": ["cmake -S . -B build", "cmake --build build --parallel $JOBS"] }',
      },
    ],
  ])("in a project that CMake builds, %s", async (_, files) => {
    const { path: top } = await workspace.add("model", await withCmake(files));
    const { stderr } = await expectSuccess(path.join(top, "simulations"), "--verbose");
    expect(stderr).toContain("building model");
  });

  it("with a target named by a generated Makefile that git tracks, whatever the folder is called now", async () => {
    const made = await workspace.add("old", { ...(await mm1Sources("")), "omnetpp.ini": STUDY });
    await promisify(execFile)("opp_makemake", ["-f", "--deep"], { cwd: made.path, env: user.env });
    await made.commit({ ".gitignore": "results/\nout/\n/old\n" });
    const moved = path.join(workspace.path, "new");
    await rename(made.path, moved);
    await expectSuccess(moved);
  });

  it("after generating a Makefile again that does not work here", async () => {
    const header = "#\n# This file was generated with the command:\n#  opp_makemake -f --deep\n#\n";
    const { path: top } = await workspace.add("model", {
      ...(await mm1Sources("")),
      "omnetpp.ini": STUDY,
      Makefile: `${header}TARGET = older$(D)$(EXE_SUFFIX)\nall:\n\t@echo of another version; exit 1\n`,
      ".gitignore": "results/\nout/\n/older\n",
    });
    const { stderr } = await expectSuccess(top, "--verbose");
    expect(stderr).toContain("building model");
  });

  it("with data that the build generates and git ignores, also with the user's own binaries", async () => {
    const { path: top } = await workspace.add(
      "model",
      await layout({
        ".oppbuildspec": buildspec("src", "--deep -o model"),
        Makefile:
          "all: table.dat\n\t@cd src && $(MAKE)\ntable.dat:\n\techo 1 > $@\nmakefiles:\n\t@cd src && opp_makemake -f --deep -o model\n",
        ".gitignore": `${IGNORED}table.dat\n`,
        "simulations/run": [
          "#!/bin/sh",
          'case " $* " in *" -q "*|*" -v "*) exec opp_run "$@";; esac',
          '[ -f ../table.dat ] || { echo "<!> Error: Cannot open table.dat"; exit 1; }',
          'exec ../src/model "$@"',
          "",
        ].join("\n"),
      }),
    );
    const study = path.join(top, "simulations");
    await chmod(path.join(study, "run"), 0o755);
    await promisify(execFile)("make", ["makefiles", "all"], { cwd: top, env: user.env });
    const own = await expectSuccess(study, "--verbose", "./run");
    expect(own.stderr).toContain("using the binaries of this checkout");
    await promisify(execFile)("git", ["clean", "-fdxq"], { cwd: top });
    const built = await expectSuccess(study, "--verbose", "--rerun", "./run");
    expect(built.stderr).toContain("building model");
  });

  it("without trusting binaries that git tracks and nobody has built here", async () => {
    const files = await layout({
      ".oppbuildspec": buildspec("src", "--deep -o model"),
      ".gitignore": "results/\n/src/Makefile\nout/\n",
    });
    const model = await workspace.add("model", { ...files, "src/model": "#!/bin/sh\nexit 1\n" });
    const top = model.path;
    await chmod(path.join(top, "src/model"), 0o755);
    await model.commit();
    const future = new Date(Date.now() + 60_000);
    await utimes(path.join(top, "src/model"), future, future);
    const { stderr } = await runall(path.join(top, "simulations"), "--verbose", "--dry-run");
    expect(stderr).not.toContain("using the binaries of this checkout");
  });

  it("and asks which of two programs is meant, and uses the named one", async () => {
    const two = `<buildspec version="4.0"><dir makemake-options="-o one" path="one" type="makemake"/><dir makemake-options="-o two" path="two" type="makemake"/></buildspec>\n`;
    const { path: top } = await workspace.add("model", {
      ...(await mm1Sources("one")),
      ...(await mm1Sources("two")),
      ".oppbuildspec": two,
      ".nedfolders": "one\n",
      "study/omnetpp.ini": STUDY,
      ".gitignore": "results/\nMakefile\nout/\n/one/one\n/two/two\n",
    });
    const study = path.join(top, "study");
    await expectRefusal(
      study,
      /produced 2 programs, one\/one, two\/two, and nothing specifies which of them the runs use\nhint: give the program/,
    );
    await expectSuccess(study, "../one/one");
  });

  it("and refuses a named program that the build does not produce, before anything is built", async () => {
    const { path: top } = await workspace.add(
      "model",
      await layout({ ".oppbuildspec": buildspec("src", "--deep -o model") }),
    );
    await expectRefusal(
      path.join(top, "simulations"),
      "the program ../src/other does not exist",
      "../src/other",
    );
  });

  it.each<[string, Files, string | RegExp]>([
    [
      "a Makefile that builds nothing",
      { Makefile: "all:\n\t@echo use cmake\n" },
      /the build did not produce a program or library\nhint: see the build log \S+\.log/,
    ],
    [
      "a CMake project that says nothing of OMNeT++",
      { "CMakeLists.txt": "project(x)\n" },
      /uses CMake, but no build commands are given\nhint: add them to swarm\.json/,
    ],
    [
      "a build that fails",
      { "src/a.cc": "#error no\n", ".oppbuildspec": buildspec("src", "--deep") },
      /the build failed: .*: error: #error no.*\n\$ make .*\n[^]*#error no[^]*see the build log/,
    ],
    [
      "a library that is not made",
      { "swarm.json": '{ "libraries": ["src/other"] }', ".oppbuildspec": buildspec("src", "--deep") },
      /the build did not produce the library src\/other, only src\/src\n/,
    ],
  ])("and reports %s as one error, and leaves nothing in the study", async (_, files, message) => {
    const { path: top } = await workspace.add("model", await layout(files));
    await expectRefusal(path.join(top, "simulations"), message);
    expect(await readFile(path.join(top, ".gitignore"), "utf8")).toContain("results/");
  });
});
