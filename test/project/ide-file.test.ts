import { expect, it } from "vitest";
import { isOmnetppProject, nameInIde, referencesInIde } from "../../src/project/describe/ide-file.ts";

const file = (projects: string, more = ""): string =>
  `<projectDescription>\n<name>it self</name>\n<projects>${projects}</projects>${more}</projectDescription>`;

it.each<[string, string[]]>([
  ["<project>inet</project>", ["inet"]],
  ["\n\t<project> my lib 2 </project>\n<project>größe [x]</project>", ["my lib 2", "größe [x]"]],
  ["<project>it self</project><project>a</project><project>a</project>", ["a"]],
  ["<project>a &amp; b &#65;&#x42;&lt;</project>", ["a & b AB<"]],
  ["<project>&#xffffff;&bogus;</project>", ["&#xffffff;&bogus;"]],
  ["<project></project><project> </project><project>open", []],
  ["", []],
])("reads the references %j", (projects, names) => expect(referencesInIde(file(projects))).toEqual(names));

it("reads the name, and whether it is an OMNeT++ project", () => {
  expect(nameInIde(file(""))).toBe("it self");
  expect(nameInIde("<name> </name>")).toBe(undefined);
  expect(nameInIde("nothing")).toBe(undefined);
  expect(isOmnetppProject(file(""))).toBe(true);
  const natures = ["org.eclipse.cdt.core.cnature", "org.omnetpp.main.omnetppnature"];
  const named = (some: readonly string[]): string =>
    file("", `<natures>${some.map((each) => `<nature>${each}</nature>`).join("\n")}</natures>`);
  expect(isOmnetppProject(named(natures))).toBe(true);
  expect(isOmnetppProject(named(["org.python.pydev.pythonNature"]))).toBe(false);
});
