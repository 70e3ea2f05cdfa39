import { chmod, cp, mkdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import {
  buildspec,
  inetLike,
  mm1Sources,
  newWorkspace,
  sampleLike,
  simu5gLike,
  STUDY,
  type Files,
  type Workspace,
} from "../helpers/projects.ts";
import { describeWithService } from "../helpers/services.ts";
import { jobsOf, NO_JOBS } from "../helpers/swarm.ts";
import { newUser, type Finished, type User } from "../helpers/tool.ts";

const LEFT_MAKEFILE =
  "# This file was generated with the command:\n#  opp_makemake -f -o arb\n#\nall:\n\t@true\n";

describeWithService("redis-server", "the project of a study", () => {
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

  const inStudy = (study: string, ...args: string[]): Promise<Finished> =>
    user.run("runall-swarm", ["--verbose", ...args, "-c", "General"], { cwd: study });
  /** Executes the two runs. @returns the client's messages. */
  const expectSuccess = async (study: string, ...args: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await inStudy(study, ...args);
    expect(exitCode, stderr + stdout).toBe(0);
    expect(stdout).toContain("2 done");
    return stderr;
  };
  const expectRefusal = async (study: string, message: string | RegExp, ...args: string[]): Promise<void> => {
    const { exitCode, stderr } = await inStudy(study, ...args);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect(exitCode).toBe(2);
    expect(await jobsOf(user)).toEqual(NO_JOBS);
  };

  it("is not an example folder in which a generated Makefile was left", async () => {
    const { path: root } = await workspace.add("stray", {
      ...(await inetLike("stray")),
      "examples/one/Makefile": LEFT_MAKEFILE,
    });
    expect(await expectSuccess(path.join(root, "examples/one"))).toContain("building stray");
  });

  it("is one of several side by side, as OMNeT++'s samples, and one inside of another", async () => {
    const { path: root } = await workspace.add("samples", {
      ...prefixed("queue", { ...(await sampleLike()), ".project": ide("queue") }),
      ...prefixed("broken", {
        "Broken.cc": "#error\n",
        ".oppbuildspec": buildspec(".", "--deep"),
        ".project": "",
      }),
      ...prefixed("queue/inner", { ...(await sampleLike()), ".oppbuildspec": buildspec(".", "-o inner") }),
    });
    expect(await expectSuccess(path.join(root, "queue"))).toContain("building queue");
    expect(await expectSuccess(path.join(root, "queue/inner"))).toContain("building inner");
  });

  it("is the only one of the checkout, and the study's own NED files are used", async () => {
    const { path: root } = await workspace.add("thesis", {
      ...prefixed("model", { ...(await library()), ".nedfolders": "src\n" }),
      "studies/x/omnetpp.ini": STUDY.replace("mm1.Mm1", "Net"),
      "studies/x/Net.ned": "import mm1.Mm1;\nnetwork Net extends Mm1\n{\n}\n",
    });
    expect(await expectSuccess(path.join(root, "studies/x"))).toMatch(
      /building model|using an earlier build of model/,
    );
  });

  it("is the one that the study names: by a library, NED folder or ini file", async () => {
    const { path: root } = await workspace.add("thesis", {
      ...prefixed("model", await library()),
      ...prefixed("other", { ...(await library()), "src/Other.cc": "// another one\n" }),
      "model/common.ini": STUDY,
      "studies/x/omnetpp.ini": STUDY,
      "studies/y/omnetpp.ini": "include ../../model/common.ini\n",
      "studies/z/omnetpp.ini": `${STUDY}
[General]
ned-path = ../../model/src;.
`,
    });
    const study = path.join(root, "studies/x");
    await expectRefusal(
      study,
      `${study} is not in a project, and the checkout has 2 projects: ../../model, ../../other\nhint: name a folder or library of the one to use, such as -n ../../model, or write a swarm.json beside the ini file: { "uses": [{ "name": "model", "folder": "../../model" }] }\n`,
    );
    await expectRefusal(study, "is not in a project", "-n", "../../model/src:../../other/src");
    expect(await expectSuccess(study, "-l", "../../other/src/queue", "-n", "../../other/src")).toContain(
      "building other",
    );
    expect(await expectSuccess(path.join(root, "studies/y"))).toMatch(
      /building model|using an earlier build/,
    );
    expect(await expectSuccess(path.join(root, "studies/z"))).toContain("using an earlier build");
  });

  it("is what a swarm.json beside the study uses", async () => {
    const { path: root } = await workspace.add("thesis", {
      ...prefixed("model", await library()),
      ...prefixed("other", await library()),
      "studies/x/omnetpp.ini": STUDY,
      "studies/x/swarm.json": '{ "uses": [{ "name": "model", "folder": "../../model" }] }',
    });
    expect(await expectSuccess(path.join(root, "studies/x"))).toMatch(
      /building model|using an earlier build of model/,
    );
  });

  it("may refer to itself, and to a missing project that is not used", async () => {
    const { path: root } = await workspace.add("queue", {
      ...(await sampleLike()),
      ".project": ide("the queue", "the queue", "queue", "my lib 2", "größe [alt]"),
    });
    const told = await expectSuccess(root);
    expect(told).toMatch(
      /warning: .*\.project refers to the project my lib 2, which was not found; .*MY_LIB_ROOT/,
    );
    expect(told).toMatch(/warning: .*\.project refers to the project größe \[alt\], which was not found/);
    expect(told.match(/warning:/g)).toHaveLength(2);
  });

  it("may refer to a missing project, which a failed build names, and is refused if it uses that project", async () => {
    const files = { "X.cc": "#error\n", "omnetpp.ini": STUDY, ".project": ide("queue", "my lib 2") };
    const { path: root } = await workspace.add("queue", { ...files, "swarm.json": '{ "build": ["false"] }' });
    await expectRefusal(
      root,
      /the build failed: false[^]*hint: .*projects not found and ignored: my lib 2 \(MY_LIB_ROOT\)/,
    );
    const { path: using } = await workspace.add("using", simu5gLike("model"));
    await expectRefusal(path.join(using, "simulations"), "needs the project model, which was not found");
    const imports = {
      ...(await sampleLike()),
      "My.ned": "import my.lib.X;\n",
      ".project": ide("importing", "my"),
    };
    const { path: importing } = await workspace.add("importing", imports);
    await expectRefusal(importing, "needs the project my, which was not found");
  });

  it("finds a reference with a space by its folder or its name in the IDE, beside it or in the checkout", async () => {
    const lib = { ...(await library()), ".project": ide("my lib 2") };
    const using = { ".project": ide("study", "my lib 2"), ".nedfolders": ".\n", "omnetpp.ini": STUDY };
    await workspace.add("my lib 2", lib);
    const { path: beside } = await workspace.add("beside", using);
    expect(await expectSuccess(beside)).toContain("building my lib 2");
    await rename(path.join(workspace.path, "my lib 2"), path.join(workspace.path, "elsewhere"));
    expect(await expectSuccess(beside, "--rerun")).toContain("2 runs");
    await rm(path.join(workspace.path, "elsewhere"), { recursive: true });
    const { path: within } = await workspace.add("within", {
      ...prefixed("a/b/lib", lib),
      ...prefixed("c/study", using),
    });
    expect(await expectSuccess(path.join(within, "c/study"))).toContain("building my lib 2");
  });

  it("is built by its makefile or GNUmakefile, in preference to its Makefile", async () => {
    for (const [at, names] of [
      ["makefile", "Makefile"],
      ["GNUmakefile", "makefile"],
    ].entries()) {
      const [first, second] = names as [string, string];
      const { path: root } = await workspace.add(`made${at}`, {
        ...(await mm1Sources("src")),
        [first]: "all:\n\t@cd src && opp_makemake -f --deep -o q && $(MAKE)\n",
        [second]: "all:\n\tfalse\n",
        "simulations/omnetpp.ini": STUDY,
      });
      expect(await expectSuccess(path.join(root, "simulations"), "../src/q")).toContain(`building made${at}`);
    }
  });

  it("may need a project without a git checkout: an unpacked release, also within the checkout", async () => {
    const { path: cell } = await workspace.add("cell", {
      ...simu5gLike("model"),
      ".gitignore": "/model/\n/src/Makefile\n*.so\nout/\nresults/\n",
    });
    const model = path.join(workspace.path, "model");
    await workspace.add("model", {
      ...(await inetLike("plain")),
      "src/stale.msg": "",
      "src/stale_m.cc": "#error\n",
      "src/x.o": "",
    });
    await rm(path.join(model, ".git"), { recursive: true });
    const told = await expectSuccess(path.join(cell, "simulations"));
    expect(told).toMatch(/sent \d+ changed files of model[^]*building model[^]*building cell/);
    expect(await expectSuccess(path.join(cell, "simulations"), "--rerun")).toContain(
      "using an earlier build of model",
    );
    await cp(model, path.join(cell, "model"), { recursive: true });
    await rm(model, { recursive: true });
    await rm(path.join(cell, "simulations/results"), { recursive: true });
    expect(await expectSuccess(path.join(cell, "simulations"))).toContain("using an earlier build of model");
  });

  it("is reported if it needs another version than the existing one", async () => {
    await workspace.add("model-4.4", await inetLike("version"));
    const { path: cell } = await workspace.add("cell", simu5gLike("model-4.5"));
    const told = await expectSuccess(path.join(cell, "simulations"));
    expect(told).toMatch(/warning: the project needs model-4\.5; using .*model-4\.4, which/);
    const { path: fits } = await workspace.add("fits", simu5gLike("model4"));
    expect(await expectSuccess(path.join(fits, "simulations"))).not.toContain("warning:");
  });

  it("may be started by a script whose program is not built yet", async () => {
    const { path: root } = await workspace.add("queue", {
      ...(await sampleLike()),
      ".oppbuildspec": buildspec(".", "-o queue"),
      run: '#!/bin/sh\nexec ./queue "$@"\n',
    });
    await chmod(path.join(root, "run"), 0o755);
    expect(await expectSuccess(root, "./run")).toContain("building queue");
    await rm(path.join(root, "results"), { recursive: true });
    await expectRefusal(root, "Run number 99 in run list '99' is out of range", "./run", "-r", "99");
  });

  it("is refused if its results cannot be written", async () => {
    const { path: root } = await workspace.add("queue", await sampleLike());
    await mkdir(path.join(root, "elsewhere"));
    await expectRefusal(
      root,
      /cannot write to the result directory \/proc\/.*: [^\n]*\nhint: .*set result-dir to a writable folder/,
      "--result-dir=/proc/self/results",
    );
  });
});

async function library(): Promise<Files> {
  return {
    ...(await mm1Sources("src")),
    ".gitignore": "/src/Makefile\n*.so\nout/\nresults/\n",
    ".oppbuildspec": buildspec("src", "--make-so --deep -o queue -O out"),
    ".nedfolders": "src\n",
  };
}

function ide(name: string, ...references: string[]): string {
  const projects = references.map((each) => `<project>${each}</project>`);
  return `<projectDescription>\n<name>${name}</name>\n<projects>${projects.join("\n")}</projects>\n</projectDescription>\n`;
}

function prefixed(folder: string, files: Files): Files {
  return Object.fromEntries(Object.entries(files).map(([name, text]) => [`${folder}/${name}`, text]));
}
