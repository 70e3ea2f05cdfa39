import { PROTOCOL } from "../../src/model/protocol.ts";
import { execFileSync } from "node:child_process";
import { chmod, copyFile, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { buildKey, type BuildRequest } from "../../src/model/build.ts";
import { openBuildDirectory, type BuildStore } from "../../src/stores/build-store.ts";
import { build, type BuildPlace } from "../../src/worker/build/builder.ts";
import { Dependencies } from "../../src/worker/tree/dependencies.ts";
import { TreeLost } from "../../src/worker/tree/slot-tree.ts";
import { makeRepository, type Repository } from "../helpers/git.ts";
import { repositoriesIn } from "../helpers/repositories.ts";
import type { BuildProgress } from "../../src/model/build-progress.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

/** A project like INET: a tracked Makefile that needs the project's setenv, features, a library, exclusions. */
const PROJECT = {
  ".gitignore": ".oppfeaturestate\n.nedexclusions\n*.so\nsrc/Makefile\nout/\n",
  setenv: 'export MODEL_ROOT=$(pwd)\n[ "$1" = -q ] || echo "hello"\n',
  Makefile: [
    "all:",
    "\t$(MAKE) -C src MODE=$(MODE)",
    "makefiles:",
    '\t[ "$$MODEL_ROOT" = "$(CURDIR)" ]',
    "\tcp src/Makefile.in src/Makefile",
    "\tcp .oppfeaturestate .nedexclusions",
    "",
  ].join("\n"),
  "src/Makefile.in": [
    "all:",
    "\tmkdir -p ../out && touch ../out/model.o ../out/libmodel.so",
    "\techo $(MODE) > libmodel.so && touch note.txt",
    "",
  ].join("\n"),
  "bin/run.sh": "#!/bin/sh\n",
};

async function requestFor(repository: Repository, more: Partial<BuildRequest> = {}): Promise<BuildRequest> {
  return {
    protocol: PROTOCOL,
    source: { url: path.join(repository.path, ".git"), commit: await repository.git("rev-parse", "HEAD") },
    sourcesHash: "s",
    checkoutName: "model",
    project: "",
    recipe: { kind: "make", folder: "" },
    mode: "release",
    omnetpp: { version: "6.2.0" },
    stateFiles: { ".oppfeaturestate": "model.excluded\n" },
    ...more,
  };
}

function placeIn(directory: string, builds: BuildStore): BuildPlace {
  const repositories = repositoriesIn(directory);
  const dependencies = new Dependencies(directory, builds, repositories);
  return { directory: path.join(directory, "builder"), builds, repositories, dependencies };
}

const never = new AbortController().signal;

/** A program in place of ccache, which prints what it gets. */
const CCACHE = `
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv) {
  if (system("command -v swarm-test-cc | tr '\\n' ' '") != 0) return 1;
  puts(argv[1]);
  puts(getenv("CCACHE_DIR"));
  puts(getenv("CCACHE_BASEDIR"));
  puts(getenv("CCACHE_NODIRECT"));
  puts(getenv("CCACHE_COMPILER") ? getenv("CCACHE_COMPILER") : "(null)");
  return 0;
}
`;

it("compiles through ccache if it is installed, with the paths of the build left out of the cache", async () => {
  await using repository = await makeRepository({
    Makefile: "all:\n\tswarm-test-cc -c a.cc\n\tswarm-script-cc\nmakefiles:\n",
    "a.cc": "",
  });
  await using directory = await temporaryDirectory();
  const programs = path.join(directory.path, "programs");
  await mkdir(programs);
  await writeFile(path.join(programs, "ccache.c"), CCACHE);
  execFileSync("cc", ["-o", path.join(programs, "ccache"), path.join(programs, "ccache.c")]);
  await copyFile(path.join(programs, "ccache"), path.join(programs, "swarm-test-cc"));
  await writeFile(path.join(programs, "swarm-script-cc"), "#!/bin/sh\necho a script\n", { mode: 0o755 });
  const builds = openBuildDirectory(path.join(directory.path, "builds"));
  const searchPath = [programs, process.env["PATH"]].join(path.delimiter);
  const request = await requestFor(repository, {
    stateFiles: {},
    clientEnvironment: { PATH: searchPath, CCACHE_COMPILER: "other" },
  });
  const where = placeIn(directory.path, builds);
  expect(await build(request, where, never)).toMatchObject({ ok: true });
  const tree = path.join(where.directory, buildKey(request), "model");
  const log = await readFile(builds.logFile(buildKey(request)), "utf8");
  const settled = [path.join(where.directory, "ccache"), tree, "1", "(null)"].join("\n");
  expect(log).toContain(`${path.join(`${tree}.ccache`, "swarm-test-cc")} -c\n${settled}\n`);
  expect(log).toContain("a script\n");
  expect(await readdir(where.directory)).not.toContain(buildKey(request));
});

it("builds by the project's own Makefile, with its setenv and the user's features, and stores the products", async () => {
  await using repository = await makeRepository(PROJECT);
  await using directory = await temporaryDirectory();
  const builds = openBuildDirectory(path.join(directory.path, "builds"));
  const request = await requestFor(repository);
  const where = placeIn(directory.path, builds);
  expect(await build(request, where, never)).toMatchObject({ ok: true });
  const key = buildKey(request);
  expect(await builds.find(key)).toEqual({
    protocol: PROTOCOL,
    products: ["src/libmodel.so"],
    targets: [{ kind: "library", file: "src/libmodel.so" }],
    data: [".nedexclusions", "src/note.txt"],
    nedExclusions: ["model.excluded"],
  });
  await builds.linkInto(key, (await builds.find(key))!, path.join(directory.path, "tree"));
  expect(await readFile(path.join(directory.path, "tree/src/libmodel.so"), "utf8")).toBe("release\n");
  const log = await readFile(builds.logFile(key), "utf8");
  expect(log).toMatch(/^\$ make makefiles\n[^]*^\$ make MODE=release -j\d+\n/m);
  expect(log).not.toContain("hello");
  expect(await repository.git("status", "--porcelain", "--ignored")).toBe("");
});

it("builds in the client's environment, and with the named variables", async () => {
  await using repository = await makeRepository({
    setenv: "export NAMED=setenv SET=setenv\n",
    Makefile: 'all:\n\t@echo "$$SESSION $$CXXFLAGS $$NAMED $$SET $$MY_PATH" > libmodel.so\n',
  });
  await using directory = await temporaryDirectory();
  const builds = openBuildDirectory(path.join(directory.path, "builds"));
  const clientEnvironment = { PATH: process.env["PATH"]!, CXXFLAGS: "-O3", MY_PATH: "client" };
  const named = { NAMED: "named", MY_PATH: "named" };
  const request = await requestFor(repository, { clientEnvironment, namedEnvironment: named });
  process.env["SESSION"] = "of the worker";
  try {
    expect(await build(request, placeIn(directory.path, builds), never)).toMatchObject({ ok: true });
  } finally {
    delete process.env["SESSION"];
  }
  const key = buildKey(request);
  await builds.linkInto(key, (await builds.find(key))!, path.join(directory.path, "tree"));
  const made = await readFile(path.join(directory.path, "tree/libmodel.so"), "utf8");
  expect(made).toBe(" -O3 named setenv named\n");
});

it("executes one build for two concurrent requests, and none if the build exists", async () => {
  await using repository = await makeRepository({
    ...PROJECT,
    "src/Makefile.in": `${PROJECT["src/Makefile.in"]}\techo x >> "$$COUNT"\n`,
  });
  await using directory = await temporaryDirectory();
  process.env["COUNT"] = path.join(directory.path, "count");
  const where = placeIn(directory.path, openBuildDirectory(path.join(directory.path, "builds")));
  const request = await requestFor(repository);
  await Promise.all([build(request, where, never), build(request, where, never)]);
  await build(request, where, never);
  expect(await readFile(process.env["COUNT"], "utf8")).toBe("x\n");
  delete process.env["COUNT"];
});

it("builds two modes of a project concurrently", async () => {
  await using repository = await makeRepository({
    Makefile: [
      "all:", // each waits for the other one
      '\ttouch "$$MEET/$(MODE)"; while [ $$(ls "$$MEET" | wc -l) -lt 2 ]; do sleep 0.01; done',
      "\techo $(MODE) > libmodel.so",
      "",
    ].join("\n"),
  });
  await using directory = await temporaryDirectory();
  const meet = path.join(directory.path, "meet");
  await mkdir(meet);
  const builds = openBuildDirectory(path.join(directory.path, "builds"));
  const where = placeIn(directory.path, builds);
  const clientEnvironment = { PATH: process.env["PATH"]!, MEET: meet };
  const requests = await Promise.all(
    (["debug", "release"] as const).map((mode) => requestFor(repository, { mode, clientEnvironment })),
  );
  const answers = await Promise.all(requests.map((request) => build(request, where, never)));
  expect(answers).toMatchObject([{ ok: true }, { ok: true }]);
  for (const request of requests) {
    const [key, tree] = [buildKey(request), path.join(directory.path, request.mode)];
    await builds.linkInto(key, (await builds.find(key))!, tree);
    expect(await readFile(path.join(tree, "libmodel.so"), "utf8")).toBe(`${request.mode}\n`);
  }
});

it("answers a failed build with its command, its last lines and its log, and stores nothing", async () => {
  await using repository = await makeRepository({ Makefile: "all:\n\t@echo model.cc:1: error: no; false\n" });
  await using directory = await temporaryDirectory();
  const builds = openBuildDirectory(path.join(directory.path, "builds"));
  const request = await requestFor(repository);
  const answer = await build(request, placeIn(directory.path, builds), never);
  expect(answer).toMatchObject({
    ok: false,
    command: expect.stringMatching(/^make MODE=release -j\d+$/) as string,
  });
  expect(answer.ok ? [] : answer.log.split("\n")).toContain("model.cc:1: error: no");
  expect(await readFile(builds.logFile(buildKey(request)), "utf8")).toBe(answer.ok ? "" : answer.log);
  expect(await builds.find(buildKey(request))).toBeUndefined();
});

it.each([
  { what: "the builder's folder", pattern: "" },
  { what: "its lock first", pattern: "/*.lock" },
])("does not answer that a build failed while its files are removed: $what", async ({ pattern }) => {
  await using directory = await temporaryDirectory();
  const files = `${path.join(directory.path, "builder")}${pattern}`;
  await using repository = await makeRepository({ Makefile: `all:\n\trm -r ${files}; false\n` });
  const builds = openBuildDirectory(path.join(directory.path, "builds"));
  const building = build(await requestFor(repository), placeIn(directory.path, builds), never);
  await expect(building).rejects.toThrow(TreeLost);
});

it("has nothing to build for a project with only NED and ini files", async () => {
  await using repository = await makeRepository({ "omnetpp.ini": "" });
  await using directory = await temporaryDirectory();
  const builds = openBuildDirectory(path.join(directory.path, "builds"));
  const request = await requestFor(repository, { recipe: { kind: "none" } });
  expect(await build(request, placeIn(directory.path, builds), never)).toMatchObject({ ok: true });
  expect(await builds.find(buildKey(request))).toMatchObject({ products: [] });
});

it("ends when it is cancelled, and leaves no tree behind", async () => {
  await using repository = await makeRepository({ Makefile: "all:\n\tsleep 100\n" });
  await using directory = await temporaryDirectory();
  const builds = openBuildDirectory(path.join(directory.path, "builds"));
  const request = await requestFor(repository);
  const end = new AbortController();
  const building = build(request, placeIn(directory.path, builds), end.signal);
  await expect
    .poll(() => readFile(builds.logFile(buildKey(request)), "utf8").catch(() => ""))
    .toContain("sleep 100");
  end.abort();
  await expect(building).rejects.toThrow();
  await expect(
    readFile(path.join(directory.path, "builder", buildKey(request), "model/Makefile")),
  ).rejects.toThrow("ENOENT");
});

it("builds again what git tracks beside its sources, although all times of a checkout are equal", async () => {
  const rules = [
    "sim: T_m.cc out/gcc-release/a.o",
    "\t{ printf '\\177ELF'; cat T_m.cc out/gcc-release/a.o; } > sim; chmod +x sim",
    "T_m.cc: T.msg",
    "\tcp T.msg T_m.cc",
    "out/gcc-release/a.o: a.cc",
    "\tcp a.cc out/gcc-release/a.o",
    "",
  ];
  await using repository = await makeRepository({
    Makefile: rules.join("\n"),
    "T.msg": "new message\n",
    "T_m.cc": "old message\n",
    "a.cc": "new code\n",
    "out/gcc-release/a.o": "old code\n",
    sim: "\x7fELFold",
  });
  await chmod(path.join(repository.path, "sim"), 0o755);
  await repository.commit();
  await using directory = await temporaryDirectory();
  const builds = openBuildDirectory(path.join(directory.path, "builds"));
  const request = await requestFor(repository, { stateFiles: {} });
  expect(await build(request, placeIn(directory.path, builds), never)).toMatchObject({ ok: true });
  const manifest = (await builds.find(buildKey(request)))!;
  expect(manifest.targets).toEqual([{ kind: "executable", file: "sim" }]);
  await builds.linkInto(buildKey(request), manifest, path.join(directory.path, "tree"));
  expect(await readFile(path.join(directory.path, "tree/sim"), "latin1")).toBe(
    "\x7fELFnew message\nnew code\n",
  );
});

it("leaves the binaries of a needed project in the same checkout unchanged: they may be the user's own", async () => {
  await using repository = await makeRepository({
    "lib/.oppbuildspec": "",
    Makefile: "all:\n\ttouch libmodel.so\n",
  });
  await repository.write({ "lib/libx.so": "x" });
  const own = path.join(repository.path, "lib/libx.so");
  await using directory = await temporaryDirectory();
  const builds = openBuildDirectory(path.join(directory.path, "builds"));
  const products = ["lib/libx.so"];
  await builds.put("x-key", repository.path, {
    protocol: PROTOCOL,
    products,
    targets: [],
    nedExclusions: [],
  });
  const before = await stat(own);
  const needed = {
    name: "lib",
    tree: await repository.git("rev-parse", "HEAD^{tree}"),
    checkoutName: "model",
    project: "lib",
    buildKey: "x-key",
    variable: "LIB_ROOT",
    nedFolders: ["lib"],
  };
  const request = await requestFor(repository, { dependencies: [needed], stateFiles: {} });
  expect(await build(request, placeIn(directory.path, builds), never)).toMatchObject({ ok: true });
  expect((await stat(own)).mtimeMs).toBe(before.mtimeMs);
  expect((await builds.find(buildKey(request)))?.products).toEqual(["libmodel.so"]);
});

it("reports its progress, and how long the last build of the project took, whatever its sources were", async () => {
  const makefile = [
    "# This file was generated with the command:",
    "#  opp_makemake -f",
    "OBJS = a.o b.o",
    "all: model",
    "model:",
    "\t@echo a.cc; echo b.cc; touch model; chmod +x model",
    "",
  ].join("\n");
  await using repository = await makeRepository({ Makefile: makefile });
  await using directory = await temporaryDirectory();
  const builds = openBuildDirectory(path.join(directory.path, "builds"));
  const where = placeIn(directory.path, builds);
  const built = async (sourcesHash: string): Promise<BuildProgress[]> => {
    const reported: BuildProgress[] = [];
    const request = await requestFor(repository, { sourcesHash, stateFiles: {} });
    const answer = await build(request, where, never, (progress) => reported.push(progress));
    expect(answer).toMatchObject({ ok: true });
    return reported;
  };
  const first = await built("one");
  expect(first[0]).toMatchObject({ started: 1, total: 2, file: "a.cc" });
  expect(first[0]).not.toHaveProperty("lastMs");
  const second = await built("two");
  expect(second[0]).toMatchObject({ started: 0, lastMs: expect.any(Number) as number });
  expect(second[1]).toMatchObject({ started: 1, total: 2, lastMs: second[0]!.lastMs });
});
