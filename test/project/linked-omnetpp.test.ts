import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { linkedOmnetpp } from "../../src/project/build/linked-omnetpp.ts";
import { modeAdvice, otherModeOf } from "../../src/omnetpp/other-mode.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

it.runIf(process.platform === "linux")("reads with which OMNeT++ a library was linked", async () => {
  await using directory = await temporaryDirectory();
  const file = path.join(directory.path, "libx.so");
  const link = (...folders: string[]): void => {
    const paths = folders.map((folder) => `-Wl,-rpath,${folder}`);
    execFileSync("cc", ["-shared", "-o", file, ...paths, "-x", "c", "/dev/null"]);
  };
  const omnetpp = path.join(directory.path, "sim");
  await mkdir(path.join(omnetpp, "lib"), { recursive: true });
  await writeFile(path.join(omnetpp, "Version"), "omnetpp-6.1.0\n");
  link("/usr/lib", ".", path.join(omnetpp, "lib"));
  expect(await linkedOmnetpp(file)).toEqual({ folder: omnetpp, version: "6.1.0" });
  link("/nowhere/omnetpp-5.7/lib");
  expect(await linkedOmnetpp(file)).toEqual({ folder: "/nowhere/omnetpp-5.7", version: undefined });
  link("/usr/lib");
  expect(await linkedOmnetpp(file)).toBe(undefined);
  link();
  expect(await linkedOmnetpp(file)).toBe(undefined);
});

it("returns nothing for unrelated, truncated and missing files", async () => {
  await using directory = await temporaryDirectory();
  const file = path.join(directory.path, "x");
  expect(await linkedOmnetpp(file)).toBe(undefined);
  expect(await linkedOmnetpp(directory.path)).toBe(undefined);
  const header = Buffer.concat([Buffer.from("\x7fELF\x02\x01", "latin1"), Buffer.alloc(58, 0xff)]);
  for (const content of ["", "#!/bin/sh\n", header, Buffer.concat([header, Buffer.alloc(999, 0xff)])]) {
    await writeFile(file, content);
    expect(await linkedOmnetpp(file)).toBe(undefined);
  }
});

it("names the build of the other mode", async () => {
  await using directory = await temporaryDirectory();
  const place = (name: string): string => path.join(directory.path, name);
  for (const name of ["liba_dbg.so", "sim"]) await writeFile(place(name), "");
  await mkdir(place("libb_dbg.so"));
  expect(await otherModeOf(place("liba.so"))).toBe("liba_dbg.so exists there, which is a debug build");
  expect(await otherModeOf(place("sim_dbg"))).toBe("sim exists there, which is a release build");
  expect(await otherModeOf(place("libb.so"))).toBe(undefined);
  expect(modeAdvice("/x/liba.so")).toContain("make MODE=release");
  expect(modeAdvice("/x/sim_dbg")).toContain("make MODE=debug");
});
