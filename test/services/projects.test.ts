import { execFile } from "node:child_process";
import { appendFile, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { readRecord } from "../../src/campaign/collect/records.ts";
import {
  buildspec,
  inetLike,
  newWorkspace,
  sampleLike,
  simu5gLike,
  STUDY,
  veinsLike,
  type Workspace,
} from "../helpers/projects.ts";
import { describeWithService } from "../helpers/services.ts";
import { newUser, type Finished, type User } from "../helpers/tool.ts";
import { compareResults } from "../real-omnetpp/compare-results.js";

describeWithService("redis-server", "projects of every shape on this machine", () => {
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

  const inStudy = (study: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Finished> =>
    user.run("runall-swarm", ["--verbose", ...args], { cwd: study, env });
  /** Executes the two runs. @returns the client's messages. */
  const expectSuccess = async (study: string, args: readonly string[] = [], env?: NodeJS.ProcessEnv) => {
    const { exitCode, stdout, stderr } = await inStudy(study, ["-c", "General", ...args], env);
    expect(exitCode, stderr + stdout).toBe(0);
    expect(stdout).toContain("2 done");
    return stderr;
  };
  const printed = async (study: string): Promise<string> => {
    const record = await readRecord(path.join(study, "results"), { config: "General", runNumber: 0 });
    return await readFile(path.join(study, record!.outputFile!), "utf8");
  };
  const make = (folder: string, env: NodeJS.ProcessEnv = {}, ...args: string[]) =>
    promisify(execFile)("make", ["MODE=release", ...args], { cwd: folder, env: { ...user.env, ...env } });
  /** The same study executed by the simulator itself. */
  const compareWithLocal = async (study: string, program: string, ...args: string[]): Promise<void> => {
    const swarms = path.join(study, "swarms");
    await rename(path.join(study, "results"), swarms);
    const what = [...args, "-u", "Cmdenv", "-c", "General"];
    await promisify(execFile)(program, what, { cwd: study, env: user.env });
    const compared = await compareResults(path.join(study, "results"), swarms);
    await rm(swarms, { recursive: true });
    expect(compared.differences).toEqual([]);
    expect(compared.files).toBe(6);
  };

  it("execute a library with features and a Makefile of its own, as INET", async () => {
    const { path: root } = await workspace.add("model", await inetLike("library"));
    const study = path.join(root, "examples/one");
    await writeFile(path.join(root, ".oppfeaturestate"), "mm1.unused\n");
    expect(await expectSuccess(study)).toContain("building model");
    expect(await printed(study)).toMatch(/Loading NED files from \.\.\/\.\.\/src: .*\n.* from \.\.: /);
    const other = await inStudy(study, ["-c", "Other"]);
    expect(other.stdout).toContain("Network 'mm1.unused.Unused' not found"); // it belongs to a feature that is off
    await make(root, { MODEL_ROOT: root }, "makefiles");
    await make(root);
    expect(await expectSuccess(study)).toContain("using the binaries of this checkout");
    await compareWithLocal(study, "opp_run", "-l", "../../src/MODEL", "-n", "../../src:..");
  });

  it("execute a program whose Makefile git ignores, as OMNeT++'s samples", async () => {
    const { path: root } = await workspace.add("queue", await sampleLike());
    await promisify(execFile)("opp_makemake", ["-f", "-o", "queue1"], { cwd: root, env: user.env });
    expect(await expectSuccess(root)).toContain("building queue (queue1 is not built)");
    await make(root);
    await compareWithLocal(root, "./queue1");
    expect(await expectSuccess(root)).toContain("using the binaries of this checkout");
  });

  it("execute code without a description of its build, within a larger repository", async () => {
    const repository = await workspace.add("papers", {
      "README.md": "",
      ...Object.fromEntries(
        Object.entries(await sampleLike()).map(([name, text]) => [`2026/queue/${name}`, text]),
      ),
      "2026/queue/plots/Makefile": "all:\n\tfalse\n",
      "2025/other/Other.cc": "#error not of this project\n",
    });
    const study = path.join(repository.path, "2026/queue");
    await expectSuccess(study);
    expect(await repository.git("status", "--porcelain")).toBe("");
    const log = await printed(study);
    expect(log).toContain("Loading NED files from .: ");
  });

  it("execute a project with ./configure && make, as Veins", async () => {
    const { path: root } = await workspace.add("road", await veinsLike());
    const study = path.join(root, "examples/road");
    expect(await expectSuccess(study)).toContain("building road");
    await promisify(execFile)("./configure", [], { cwd: root, env: user.env });
    await make(root);
    expect(await expectSuccess(study)).toContain("using the binaries of this checkout");
    await compareWithLocal(study, "opp_run", "-l", "../../src/road", "-n", "../../src/road:..");
  });

  it("use the commands and entries of swarm.json instead of the detected ones", async () => {
    const files = await veinsLike();
    const { path: root } = await workspace.add("road", {
      ...files,
      "swarm.json": JSON.stringify({
        $schema: "swarm.schema.json",
        build: ['./configure && make -C src MODE=$MODE -j$JOBS && test -f "$ROAD/data/map.xml"'],
        libraries: ["src/road"],
        nedFolders: ["src/road"],
        ship: ["data"],
        environment: { ROAD: "${project}" },
      }),
    });
    await writeFile(path.join(root, ".git/info/exclude"), "data/\n");
    const study = path.join(root, "examples/road");
    const without = await inStudy(study, ["-c", "General"]);
    expect(without.exitCode).toBe(2);
    expect(without.stderr).toContain('warning: data is listed under "ship", but does not exist');
    expect(without.stderr).toContain("the build failed: ./configure && make -C src MODE=$MODE");
    await mkdir(path.join(root, "data"));
    await writeFile(path.join(root, "data/map.xml"), "<map/>");
    expect(await expectSuccess(study)).toContain("sent 1 changed file (data/map.xml)");
    expect(await printed(study)).toMatch(/Loading NED files from \.\.\/\.\.\/src\/road: .*\n\nPreparing/);
  });

  it("report what is wrong in swarm.json, with its path, and execute nothing", async () => {
    const { path: root } = await workspace.add("queue", {
      ...(await sampleLike()),
      "swarm.json": '{ "nedFolder": ["."] }',
    });
    const { exitCode, stderr } = await inStudy(root, ["-c", "General"]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`${path.join(root, "swarm.json")}: nedFolder: unknown entry`);
    expect(stderr).toContain("did you mean nedFolders?");
  });

  it("build a project that another one needs, as Simu5G needs INET, once for all", async () => {
    const model = await workspace.add("model-4.5", await inetLike("needed"));
    const { path: root } = await workspace.add("cell", simu5gLike("model"));
    const study = path.join(root, "simulations");
    const first = await expectSuccess(study);
    expect(first).toMatch(/building model \(src\/libMODEL.so is not built\)[^]*built in[^]*building cell /);
    expect(await printed(study)).toMatch(
      /from \.\.\/src: .*\n.* from \.: .*\n.* from \.\.\/\.\.\/model-4\.5\/src: .*\n.* from \.\.\/\.\.\/model-4\.5\/examples: /,
    );
    const { path: second } = await workspace.add("car", simu5gLike("model"));
    expect(await expectSuccess(path.join(second, "simulations"))).toMatch(
      /using an earlier build of model\n[^]*building car /,
    );

    await model.write({ "examples/two.ned": "package mm1.examples;\n" });
    expect(await expectSuccess(study)).toMatch(/using an earlier build of model\nusing an earlier build\n/);
    expect(await printed(study)).toMatch(/from \.\.\/\.\.\/model-4\.5\/examples: +2$/m); // it is not mistaken for the earlier product
    await model.write({ "src/Queue.h": "// changed\n" });
    expect(await expectSuccess(study)).toMatch(/building model [^]*building cell /);
    expect(await model.git("status", "--porcelain")).toBe(" M src/Queue.h\n?? examples/two.ned");
  });

  it("use the user's own binaries of a needed project, if they are newer than its sources", async () => {
    const { path: model } = await workspace.add("elsewhere/model", await inetLike("own"));
    const { path: root } = await workspace.add("cell", simu5gLike("model"));
    const study = path.join(root, "simulations");
    const env = { MODEL_ROOT: model };
    const lost = await inStudy(study, ["-c", "General"]);
    expect(lost.exitCode).toBe(2);
    expect(lost.stderr).toContain(
      `${path.join(root, ".project")} needs the project model, which was not found`,
    );
    expect(lost.stderr).toContain("set MODEL_ROOT to its folder");
    await make(model, env, "makefiles");
    await make(model, env);
    await make(root, env);
    const own = await expectSuccess(study, [], env);
    expect(own).toMatch(/using the binaries of your model\nusing the binaries of this checkout\n/);
    const libraries = ["-l", path.join(model, "src/MODEL"), "-l", "../src/cell"];
    await compareWithLocal(study, "opp_run", ...libraries, "-n", `${model}/src:../src:.`);
    const named = ["-n", `${model}/src:../src:.`, "-l", path.join(model, "src/MODEL")];
    await expectSuccess(study, named, env);
    expect(await printed(study)).toContain("Loading NED files from ../../model/src: ");
    await appendFile(path.join(model, "src/Queue.h"), "// changed\n");
    expect(await expectSuccess(study, [], env)).toMatch(
      /building model \(src\/Queue.h is newer than src\/libMODEL.so\)[^]*building cell \(model is built by the swarm: /,
    );
  });

  it("use a project at one version of a repository, which need not be on this machine", async () => {
    const model = await workspace.add("upstream.git", await inetLike("version"));
    await model.git("tag", "v1.0");
    await model.commit({ "src/Broken.cc": "#error later versions do not compile\n" });
    const uses = (version: string) => JSON.stringify({ uses: [{ name: "model", url: model.path, version }] });
    const cell = await workspace.add("cell", { ...simu5gLike("other"), "swarm.json": uses("main") });
    const study = path.join(cell.path, "simulations");
    const branch = await inStudy(study, ["-c", "General"]);
    expect(branch.exitCode).toBe(2);
    expect(branch.stderr).toContain(`needs ${model.path} at main, which is a branch`);
    await cell.write({ "swarm.json": uses("v9") });
    const nowhere = await inStudy(study, ["-c", "General"]);
    expect(nowhere.stderr).toContain(`${path.join(cell.path, "swarm.json")} needs ${model.path} at v9`);
    await cell.write({ "swarm.json": uses("v1.0") });
    expect(await expectSuccess(study)).toMatch(
      /^fetching .* at v1\.0\n[^]*building model [^]*building cell /,
    );
    await rm(model.path, { recursive: true });
    expect(await expectSuccess(study, ["--rerun"])).toMatch(
      /using an earlier build of model\nusing an earlier build\n/,
    );
  });

  it("use a needed project within the same repository, and one that a needed project needs", async () => {
    await workspace.add("model", await inetLike("suite"));
    const library = { ".oppbuildspec": buildspec(".", "--make-so -o extra"), ".project": projects("model") };
    const { path: root } = await workspace.add("suite", {
      ".gitignore": "Makefile\n*.so\nout/\nresults/\n",
      "extra/Extra.cc": "",
      "extra/extra.opp":
        '# of opp_repl\nSimulationProject(name="extra", dynamic_libraries=["extra"], used_projects=["model"])\n',
      ...prefixed("extra", library),
      ...prefixed("runs", { ".nedfolders": ".\n", ".project": projects("extra"), "omnetpp.ini": STUDY }),
    });
    const study = path.join(root, "runs");
    const told = await expectSuccess(study);
    expect(told).toMatch(/building model [^]*building extra /);
    expect(await printed(study)).toMatch(
      /from \.: .*\n.* from \.\.\/\.\.\/model\/src: .*\n.* from \.\.\/\.\.\/model\/examples: .*\n.* from \.\.\/extra: /,
    );
  });

  it("are refused if they need each other", async () => {
    const { path: root } = await workspace.add("one", {
      ...(await sampleLike()),
      ".project": projects("two"),
    });
    await workspace.add("two", { ".nedfolders": ".\n", ".project": projects("one") });
    const { exitCode, stderr } = await inStudy(root, ["-c", "General"]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("needs the project one: the dependency is circular");
  });
});

function projects(...names: string[]): string {
  const references = names.map((name) => `<project>${name}</project>`);
  return `<projectDescription><projects>${references.join("")}</projects></projectDescription>\n`;
}

function prefixed(folder: string, files: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([name, text]) => [`${folder}/${name}`, text]));
}
