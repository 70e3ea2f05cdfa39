import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { estimateBuildLeft, type BuildProgress } from "../../src/model/build-progress.ts";
import { Compilations, countObjects } from "../../src/worker/build/compilations.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

const GENERATED = `#
# OMNeT++/OMNEST Makefile for $(LIB_PREFIX)model
#
# This file was generated with the command:
#  opp_makemake -f --deep
#

EXTRA_OBJS =

# Object files for local .cc, .msg and .sm files
OBJS = \\
    $O/net/Link.o \\
    $O/net/Packet_m.o $O/Server.o

# Message files
MSGFILES = net/Packet.msg
`;

it.each([
  ["prints names, as Makefiles of OMNeT++ do", ["Server.cc\n", "net/Link.cc\n"], "Link.cc"],
  ["prints commands", ["c++ -c -O2 -o out/Server.o Server.cc\n", "gcc -c  x.c\n"], "x.c"],
  ["prints CMake's progress", ["[ 50%] Building CXX object a.cc.o\n", "src/a.cpp\r\n", "b.cc\n"], "b.cc"],
  ["prints in pieces", ["Ser", "ver.cc\nnet/", "Link.cc", "\n"], "Link.cc"],
  [
    "prints warnings and other steps",
    ["MSGC: Packet.msg\n", "Server.cc\n", "Server.cc:3:4: warning: x\n", "Link.cc\n", "Creating: libx.so\n"],
    "Link.cc",
  ],
])("counts the compilations of a build that %s", async (_how, pieces, file) => {
  const reported: BuildProgress[] = [];
  using compilations = new Compilations(undefined, (progress) => reported.push(progress));
  for (const piece of pieces) compilations.write(piece);
  await expect.poll(() => reported.at(-1)).toMatchObject({ started: 2, file });
  expect(reported[0]).toMatchObject({ started: 1 });
  expect(reported.at(-1)).not.toHaveProperty("total");
});

it("knows from the generated Makefile how many files there are, until more are compiled", async () => {
  await using folder = await temporaryDirectory();
  await writeFile(path.join(folder.path, "Makefile"), GENERATED);
  const reported: BuildProgress[] = [];
  using compilations = new Compilations(8000, (progress) => reported.push(progress));
  await compilations.expect(folder.path);
  await compilations.expect(folder.path); // make was started again there
  compilations.write("net/Link.cc\n");
  expect(reported.at(-1)).toMatchObject({ started: 1, total: 3, lastMs: 8000, file: "Link.cc" });
  compilations.write("a.cc\nb.cc\nc.cc\n");
  await expect.poll(() => reported.at(-1)).toMatchObject({ started: 4 });
  expect(reported.at(-1)).not.toHaveProperty("total");
});

it("finds the Makefiles to which that of the project passes on", async () => {
  await using folder = await temporaryDirectory();
  await mkdir(path.join(folder.path, "src"));
  await mkdir(path.join(folder.path, "other"));
  await writeFile(path.join(folder.path, "src/Makefile"), GENERATED);
  await writeFile(path.join(folder.path, "other/Makefile"), GENERATED);
  const passOn = async (text: string): Promise<number> => {
    await writeFile(path.join(folder.path, "Makefile"), text);
    return await countObjects(folder.path);
  };
  expect(await passOn("all:\n\t@cd src && $(MAKE)\n\nclean:\n\t@cd src && $(MAKE) clean\n")).toBe(3);
  expect(await passOn("all:\n\t$(MAKE) -C src\n\t$(MAKE) -Cother\n")).toBe(6);
  expect(await passOn("all:\n\tc++ -o x x.cc\n")).toBe(0);
  expect(await countObjects(path.join(folder.path, "missing"))).toBe(0);
});

it.each([
  ["the last build", { started: 1, elapsedMs: 2000, lastMs: 60_000 }, 58_000],
  [
    "the files, if the build takes longer than the last one",
    { started: 10, total: 40, elapsedMs: 20_000, lastMs: 9000 },
    60_000,
  ],
  ["the files, if there was none", { started: 10, total: 40, elapsedMs: 20_000 }, 60_000],
  ["nothing while too few files are known", { started: 1, total: 40, elapsedMs: 20_000 }, undefined],
  ["nothing if their number is unknown", { started: 10, elapsedMs: 20_000 }, undefined],
] as const)("estimates the time left by %s", (_what, progress, expected) => {
  expect(estimateBuildLeft(progress)).toBe(expected);
});
