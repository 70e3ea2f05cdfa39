import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { errorText, UserError } from "../../src/errors.ts";
import { writeFileAtomically } from "../../src/system/files.ts";
import { cacheDirectory, stateDirectory } from "../../src/system/paths.ts";
import { explainSystemError, remoteText } from "../../src/system/system-error.ts";
import { smallDisk } from "../helpers/small-disk.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

function errorOf(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error("it succeeded");
}

function explained(work: () => unknown): [message: string, hint: string] {
  const { message, hint } = explainSystemError(errorOf(work))!;
  return [message, hint!];
}

it("names what was attempted, where, why, and what is in the way", async () => {
  await using folder = await temporaryDirectory();
  const at = (name: string): string => path.join(folder.path, name);
  writeFileSync(at("file"), "");
  symlinkSync("loop", at("loop"));
  symlinkSync("nowhere", at("broken"));
  mkdirSync(at("folder"));
  expect(explained(() => mkdirSync(at("file/a/b")))).toEqual([
    `cannot create the folder ${at("file/a/b")}: not a directory`,
    expect.stringContaining(`${at("file")} is not a folder: move it away`),
  ]);
  expect(explained(() => readFileSync(at("loop/x")))[1]).toContain("symbolic link that leads to itself");
  expect(explained(() => readFileSync(at("missing/b/c")))[1]).toContain(`${at("missing")} does not exist`);
  expect(explained(() => readFileSync(at("broken/b")))[1]).toContain(
    `${at("broken")} is a dangling symbolic link`,
  );
  expect(explained(() => readFileSync(at("folder")))[0]).toContain("illegal operation on a directory");
  expect(explained(() => mkdirSync(at("x".repeat(300))))[1]).toContain("shorter names");
});

it("names the final file of a write, not the temporary one", async (context) => {
  await using folder = await temporaryDirectory();
  using _ = await smallDisk(folder.path, 64, context);
  const file = path.join(folder.path, "state.json");
  const error = await writeFileAtomically(file, "x".repeat(1e6)).catch((thrown: unknown) => thrown);
  expect(explainSystemError(error)).toMatchObject({
    message: `cannot write ${file}: no space left on device`,
    hint: expect.stringContaining(`free some space on the file system of ${folder.path}, then`) as string,
  });
});

it("leaves our own errors unchanged", () => {
  const odd = [
    new TypeError("x is not a function"),
    new UserError("x"),
    "text",
    undefined,
    { code: "ENOENT" },
  ];
  for (const error of odd) expect(explainSystemError(error)).toBeUndefined();
  const ours = Object.assign(new Error("x"), { code: "ERR_INVALID_ARG_TYPE" });
  expect(explainSystemError(ours)).toBeUndefined();
});

it("names the machine, and what can be done there", () => {
  const text = remoteText(new UserError("opp_run: command not found", { hint: "install OMNeT++" }));
  expect(text).toBe(`opp_run: command not found (hint: install OMNeT++) [on ${hostname()}]`);
  expect(remoteText(errorOf(() => mkdirSync("/proc/nothing/here")))).toMatch(
    /^cannot create the folder .*hint: .* \[on /,
  );
  expect(errorText(new UserError("plain"))).toBe("plain");
});

it.each([stateDirectory, cacheDirectory])("refuses a home that is not a directory", (directory) => {
  expect(() => directory({ HOME: "relative" })).toThrow("HOME is not an absolute path: relative");
  expect(() => directory({ HOME: "/tmp/\ufffd" })).toThrow("HOME is not valid UTF-8");
  expect(directory({ HOME: "/home/ada", XDG_STATE_HOME: "ignored", XDG_CACHE_HOME: "" })).toMatch(
    /^\/home\/ada\/\..*inet-swarm$/,
  );
});
