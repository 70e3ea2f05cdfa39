import { chmod, mkdir, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { findCompilers } from "../../src/project/build/find-compilers.ts";
import { temporaryDirectory, type TemporaryDirectory } from "../helpers/temporary.ts";

let place: TemporaryDirectory;
beforeEach(async () => {
  place = await temporaryDirectory();
});
afterEach(() => place[Symbol.asyncDispose]());

const at = (name: string): string => path.join(place.path, name);

async function program(name: string): Promise<void> {
  await mkdir(path.dirname(at(name)), { recursive: true });
  await writeFile(at(name), "#!/bin/sh\n", { mode: 0o755 });
  await utimes(at(name), 1000, 1000);
}

it("finds the files that the names of compilers lead to, with size and time", async () => {
  await program("opt/g++-12");
  await mkdir(at("bin"));
  await symlink(at("opt/g++-12"), at("bin/g++"));
  await program("bin/ccache");
  await program("bin/other");
  const found = await findCompilers({ PATH: at("bin"), CXX: "ccache g++" });
  expect(found).toEqual({
    "g++": `${at("opt/g++-12")} 10 1000000`,
    ccache: `${at("bin/ccache")} 10 1000000`,
  });
});

it("notices another folder of PATH, another target of a link, and an update", async () => {
  for (const name of ["a/gcc", "b/gcc", "c/gcc"]) await program(name);
  const answers = [await findCompilers({ PATH: `${at("a")}:${at("b")}` })];
  answers.push(await findCompilers({ PATH: `${at("b")}:${at("a")}` }));
  await rename(at("c/gcc"), at("c/gcc-13"));
  await symlink("gcc-13", at("c/gcc"));
  answers.push(await findCompilers({ PATH: at("c") }));
  await utimes(at("c/gcc-13"), 2000, 2000);
  answers.push(await findCompilers({ PATH: at("c") }));
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(4);
});

it("passes over what cannot be executed, and finds nothing without PATH", async () => {
  await program("a/gcc");
  await program("b/gcc");
  await chmod(at("a/gcc"), 0o644);
  expect(await findCompilers({ PATH: `${at("a")}:${at("b")}` })).toMatchObject({
    gcc: expect.stringContaining(at("b/gcc")) as string,
  });
  await rm(at("b/gcc"));
  expect(await findCompilers({ PATH: `${at("a")}:${at("b")}` })).toEqual({});
  expect(await findCompilers({})).toEqual({});
});
