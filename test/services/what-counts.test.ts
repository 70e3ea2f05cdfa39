import { mkdir, symlink } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { makeRepository, type Repository } from "../helpers/git.ts";
import { buildspec, mm1Sources, STUDY } from "../helpers/projects.ts";
import { describeWithService } from "../helpers/services.ts";
import { newUser, type User } from "../helpers/tool.ts";

/** What a command did: whether it built, and how many of the two runs it executed. */
interface Done {
  built: string | undefined;
  queued: number;
}

describeWithService("redis-server", "a change in a repository of two projects", () => {
  let user: User;
  let repository: Repository;

  beforeAll(async () => {
    user = await newUser();
    await user.run("swarm-tool", ["init", "--local", "--runners", "2"]);
    const project = async (folder: string): Promise<Record<string, string>> => ({
      ...(await mm1Sources(folder)),
      [`${folder}/omnetpp.ini`]: STUDY,
      [`${folder}/.oppbuildspec`]: buildspec(".", "--deep -O out -o queue -I../common"),
    });
    repository = await makeRepository({
      ...(await project("a")),
      ...(await project("b")),
      "a/makefrag": "all: ../common/table.csv\n",
      "common/common.h": "",
      "common/table.csv": "",
      "common/data/in.txt": "",
      ".gitignore": "Makefile\nout/\nqueue\nresults/\n",
    });
    await mkdir(path.join(repository.path, "x"));
    await symlink("../common/data", path.join(repository.path, "a/data"));
    expect(await changed({})).toEqual({ built: "made", queued: 2 });
  });
  afterAll(async () => {
    await user[Symbol.asyncDispose]();
    await repository[Symbol.asyncDispose]();
  });

  async function changed(files: Record<string, string>): Promise<Done> {
    await repository.write(files);
    const { stdout, stderr } = await user.run("runall-swarm", ["-c", "General", "--json"], {
      cwd: path.join(repository.path, "a"),
    });
    const lines = `${stdout}\n${stderr}`.split("\n").filter((line) => line.startsWith("{"));
    const events = lines.map((line) => JSON.parse(line) as { type: string; how?: string; runs?: number });
    expect(events.length).toBeGreaterThan(0);
    const find = (type: string) => events.find((event) => event.type === type);
    return { built: find("built")?.how, queued: find("queued")?.runs ?? 0 };
  }

  it.each(["b/Queue.cc", "b/omnetpp.ini", "README.md", "a/LICENSE", "a/docs/x.txt", "a/notes.rst"])(
    "in %s reruns nothing",
    async (file) => {
      expect(await changed({ [file]: "// changed" })).toEqual({ built: undefined, queued: 0 });
    },
  );

  it.each(["xml", "json", "txt", "csv", "py"])("in a file .%s causes no build", async (extension) => {
    expect(await changed({ [`a/in.${extension}`]: "changed" })).toEqual({ built: "kept", queued: 2 });
  });

  it("in an entry of swarm.json causes no build", async () => {
    expect(await changed({ "a/swarm.json": '{"name": "other"}' })).toMatchObject({ built: "kept" });
  });

  it("behind a symbolic link causes a rerun, without a build", async () => {
    expect(await changed({ "common/data/in.txt": "changed" })).toEqual({ built: "kept", queued: 2 });
  });

  it.each(["a/Queue.h", "common/common.h", "common/table.csv"])("in %s causes a build", async (file) => {
    const content = file.endsWith(".csv") ? "1,2\n" : `${await sourceOf(file)}\n// changed\n`;
    expect(await changed({ [file]: content })).toEqual({ built: "made", queued: 2 });
  });

  async function sourceOf(file: string): Promise<string> {
    return (await mm1Sources("a"))[file] ?? "";
  }
});
