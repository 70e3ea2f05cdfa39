import { expect, it } from "vitest";
import { makemakeFolders, parseMakemakeOptions } from "../../src/omnetpp/makemake.ts";

it("reads the folders in which opp_makemake runs", () => {
  const buildspec = `<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<buildspec version="4.0">
    <dir path="." type="custom"/>
    <dir makemake-options="--make-so --deep -o INET -O out -pINET --meta:export-library -DNAME=&quot;a b&quot;" path="src" type="makemake"/>
</buildspec>`;
  expect(makemakeFolders(buildspec)).toEqual([
    { folder: "src", options: ["--make-so", "--deep", "-o", "INET", "-O", "out", "-pINET", "-DNAME=a b"] },
  ]);
});

it.each([
  ["-f --deep -I../x", ["--deep", "-I../x"]],
  ["-L'a b' -l\"c d\" e\\ f", ["-La b", "-lc d", "e f"]],
  ["-I$$\\(INET_PROJ\\)/src -lINET$$(D)", ["-I$(INET_PROJ)/src", "-lINET$(D)"]],
  ["", []],
])("splits %j like a shell", (line, options) => {
  expect(parseMakemakeOptions(line)).toEqual(options);
});
