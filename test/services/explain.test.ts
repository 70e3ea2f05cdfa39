import path from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { describeWithService } from "../helpers/services.ts";
import { buildspec, mm1Sources, newWorkspace, STUDY, type Workspace } from "../helpers/projects.ts";
import { newUser, type Finished, type User } from "../helpers/tool.ts";

describeWithService("redis-server", "runall-swarm explain", () => {
  let user: User;
  let workspace: Workspace;

  beforeAll(async () => {
    user = await newUser();
  });
  afterAll(() => user[Symbol.asyncDispose]());
  beforeEach(async () => {
    workspace = await newWorkspace();
    return () => workspace[Symbol.asyncDispose]();
  });

  const explain = (cwd: string, ...args: string[]): Promise<Finished> =>
    user.run("runall-swarm", args, { cwd });
  const makeProject = async (): Promise<string> => {
    await workspace.add("lib", {
      ...(await mm1Sources("src")),
      ".oppbuildspec": buildspec("src", "--make-so --deep -o lib"),
    });
    const project = await workspace.add("model", {
      ".project":
        "<projectDescription><name>m</name><projects><project>lib</project></projects></projectDescription>",
      ".oppbuildspec": buildspec("src", "--deep -o model"),
      ".nedfolders": "src\nsimulations\n",
      "src/a.cc": "",
      "simulations/omnetpp.ini": STUDY,
      "simulations/package.ned": "",
    });
    await project.write({ "simulations/new.xml": "<a/>" });
    return project.path;
  };

  it("reports what was found and why, and executes nothing", async () => {
    const project = await makeProject();
    const { stdout, exitCode } = await explain(path.join(project, "simulations"), "explain", "-c", "General");
    expect(exitCode).toBe(0);
    for (const line of [
      `  folder: ${project}`,
      "  chosen because: it has .oppbuildspec, .nedfolders",
      "  NED folders: src",
      "  makemake: src: opp_makemake --deep -o model",
      "needed project lib",
      `  stated in: ${project}/.project`,
      "  number: 2",
      "  built by: opp_makemake, then make, in src",
      "  own binaries: not used: lib is built by the swarm: src/liblib.so is not built",
      "  expected targets: src/model",
      "  differing from commit: simulations/new.xml",
    ])
      expect(stdout.split("\n")).toContain(line);
    expect(stdout).toMatch(/^ {2}identity: [0-9a-f]{32}$/m);
    expect((await user.run("swarm-tool", ["status"])).stdout).toContain("no swarm exists");
  });

  it("prints JSON, with the identity that a campaign has", async () => {
    const project = await makeProject();
    const study = path.join(project, "simulations");
    const { stdout } = await explain(study, "--explain", "--json", "-c", "General");
    const found = JSON.parse(stdout) as Record<string, Record<string, unknown>>;
    expect(found).toMatchObject({
      project: { name: "model", chosenBecause: "it has .oppbuildspec, .nedfolders" },
      runs: { config: "General", number: 2, resultDirectory: "results" },
      source: { differingFromCommit: ["simulations/new.xml"] },
    });
    const again = await explain(study, "explain", "--json", "-c", "General", "--sim-time-limit=1s");
    const other = JSON.parse(again.stdout) as typeof found;
    expect(other["identity"]).not.toEqual(found["identity"]);
    expect(other["build"]).toEqual(found["build"]);
  });

  it("reports what it has found before the first error", async () => {
    const project = await workspace.add("model", {
      "swarm.json": '{ "uses": ["nosuch"] }',
      "omnetpp.ini": STUDY,
    });
    const { stdout, stderr, exitCode } = await explain(project.path, "explain", "-c", "General");
    expect(exitCode).toBe(2);
    expect(stdout).toContain("chosen because: it has swarm.json");
    expect(stderr).toContain("nosuch");
    const json = await explain(project.path, "explain", "--json", "-c", "General");
    expect(JSON.parse(json.stdout)).toMatchObject({ project: { name: "model" } });
  });
});
