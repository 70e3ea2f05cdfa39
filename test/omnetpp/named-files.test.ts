import { expect, it } from "vitest";
import {
  iniFiles,
  namedInis,
  namedLibraries,
  namedNedFolders,
  namedPlaces,
  withoutLibraries,
} from "../../src/omnetpp/named-files.ts";
import { parseSimulationArguments, toArgv } from "../../src/omnetpp/opp-args.ts";

const args = (text: string) => parseSimulationArguments(text.split(" ").filter((each) => each !== ""));

it("names ini files with and without -f, and the default one where there is none", () => {
  expect(namedInis(args("a.ini -f b.ini"))).toEqual(["b.ini", "a.ini"]);
  expect(iniFiles(args("-f b.ini"))).toEqual(["b.ini"]);
  expect([namedInis(args("")), iniFiles(args(""))]).toEqual([[], ["omnetpp.ini"]]);
});

it("names the folders of the NED path, or none", () => {
  expect(namedNedFolders(args("-n .:../src;;x -n y"))).toEqual([".", "../src", "x", "y"]);
  expect(namedNedFolders(args("-l x"))).toBeUndefined();
});

it("names libraries and NED folders in any form", () => {
  expect(namedPlaces(args("-n a:b -l ../src/x --ned-path=c;d --load-libs=../y -c A"))).toEqual([
    ...["a", "b", "c", "d", "../y", "../src/x"],
  ]);
});

it("leaves out libraries, and nothing else of the same text", () => {
  const all = args("-l ../x -l ../y -n ../x");
  expect(namedLibraries(all)).toEqual(["../x", "../y"]);
  expect(toArgv(withoutLibraries(all, ["../x"]))).toEqual(["-l", "../y", "-n", "../x"]);
});
