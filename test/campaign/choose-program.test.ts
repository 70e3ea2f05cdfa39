import { expect, it } from "vitest";
import { chooseProgram } from "../../src/campaign/plan/choose-program.ts";
import type { TargetFile } from "../../src/model/build.ts";

const library = (file: string): TargetFile => ({ kind: "library", file });
const program = (file: string): TargetFile => ({ kind: "executable", file });
const oppRun = (...libraries: string[]) => ({ program: { kind: "opp_run" }, libraries });
const project = (path: string) => ({ program: { kind: "project", path }, libraries: [] });

it.each<[string, TargetFile[], object]>([
  ["nothing", [], oppRun()],
  ["a program", [program("src/sim")], project("src/sim")],
  ["a library", [library("src/libx.so")], oppRun("../src/x")],
  ["two libraries", [library("liba.so"), library("b/libb.so")], oppRun("../a", "../b/b")],
  ["a library, and a program elsewhere", [library("src/libx.so"), program("tools/t")], oppRun("../src/x")],
  [
    "a library, and a program beside the study",
    [library("src/libx.so"), program("app/sim")],
    project("app/sim"),
  ],
  ["a library and a program beside the study", [library("app/libx.so"), program("app/sim")], oppRun("x")],
  ["two programs, one of them above the study", [program("app/sim"), program("tools/t")], project("app/sim")],
  ["two programs above the study", [program("top"), program("app/sim")], project("app/sim")],
])("executes runs with %s", (_, targets, execution) => {
  expect(chooseProgram({}, targets, "app")).toEqual(execution);
});

it("asks which of several programs is meant", () => {
  const targets = [program("a/x"), program("b/y")];
  expect(() => chooseProgram({}, targets, "study")).toThrow(
    "the build produced 2 programs, a/x, b/y, and nothing specifies which of them the runs use",
  );
  expect(() => chooseProgram({}, [program("x"), program("y")], "study")).toThrow("nothing specifies which");
});

it("uses the program that the user or the project names", () => {
  const targets = [program("a/x"), program("b/y"), library("libz.so")];
  expect(chooseProgram({ program: { kind: "project", path: "b/y" } }, targets, "s")).toEqual(project("b/y"));
  expect(chooseProgram({ program: { kind: "opp_run" } }, targets, "s")).toEqual(oppRun("../z"));
  expect(chooseProgram({ targets: [program("a/x")] }, targets, "s")).toEqual(project("a/x"));
  expect(chooseProgram({ targets: [library("lib/libq.so")] }, targets, "s")).toEqual(oppRun("../lib/q"));
});
