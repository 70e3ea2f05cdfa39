import { execFile } from "node:child_process";
import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { once } from "node:events";
import path from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { inspectOutputs } from "../../src/worker/tree/inspect-outputs.ts";
import { compareSnapshots, takeSnapshot } from "../../src/worker/tree/snapshot.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

const TOP = "/home/user/project";

/** The findings about a run's actions in a tree with `study/omnetpp.ini` and the build's `src/model`. */
async function inspected(work: (top: string) => Promise<unknown>, outside: string[] = []) {
  await using directory = await temporaryDirectory();
  const mirror = path.join(directory.path, "root");
  const top = path.join(mirror, TOP);
  await mkdir(path.join(top, "study"), { recursive: true });
  await mkdir(path.join(top, "src"));
  await writeFile(path.join(top, "study/omnetpp.ini"), "");
  await writeFile(path.join(top, "src/model"), "binary");
  const before = takeSnapshot(mirror);
  await work(top);
  const difference = compareSnapshots(before, takeSnapshot(mirror));
  const products = new Set([`${TOP.slice(1)}/src/model`]);
  const { files, ...found } = inspectOutputs(difference, { mirror, places: { top: TOP, outside }, products });
  return { ...found, files: files.map((file) => path.relative(TOP, `/${file.path}`)).sort() };
}

const write = async (file: string, content = "x"): Promise<void> => {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, content);
};

it("accepts files and links that stay inside, wherever in the checkout they are", async () => {
  const found = await inspected(async (top) => {
    await write(path.join(top, "study/results/a.sca"));
    await write(path.join(top, "study/log with ünicode.txt"));
    await symlink("../study/results", path.join(top, "study/latest"));
  });
  expect(found.problems).toEqual([]);
  expect(found.warnings).toEqual([]);
  expect(found.files).toEqual(["study/latest", "study/log with ünicode.txt", "study/results/a.sca"]);
});

it("accepts files outside of the checkout only if they are configured", async () => {
  const work = (top: string): Promise<void> => write(path.join(top, "../../res/run/a.sca"));
  expect((await inspected(work, ["/home/res/"])).problems).toEqual([]);
  const { problems, files } = await inspected(work);
  expect(problems).toEqual([expect.stringContaining("/home/res/run/a.sca (outside the checkout")]);
  expect(files).toEqual([]);
});

it("accepts the index of a configured file", async () => {
  const found = await inspected(
    async (top) => {
      await write(path.join(top, "../x.vec"));
      await write(path.join(top, "../x.vci"));
      await write(path.join(top, "../xy.vci"));
    },
    ["/home/user/x.vec"],
  );
  expect(found.files).toEqual(["../x.vci", "../x.vec"]);
  expect(found.problems).toHaveLength(1);
});

it("names sockets and the like, and opens none of them", async () => {
  const found = await inspected(async (top) => {
    await promisify(execFile)("mkfifo", [path.join(top, "study/x.fifo")]);
    const server = createServer().listen(path.join(top, "study/s"));
    await once(server, "listening");
    return () => server.close();
  });
  expect(found.warnings.join()).toContain("study/x.fifo (FIFO)");
  expect(found.warnings.join()).toContain("study/s (socket)");
  expect(found).toMatchObject({ files: [], problems: [] });
});

it.each([
  [".git/config", "inside .git"],
  ["sub/.GIT/hooks/x", "inside .git"],
  [".g\u200cit/config", "inside .git"],
  [".git./x", "inside .git"],
  ["study/results/.swarm/General-0.json", "inside .swarm"],
  ["study/results/.swarm-tmp-abc", "inside .swarm"],
  ["study/results/new\nline", "control character"],
  ["src/model", "part of the build"],
])("does not complete a run that writes %j", async (file, why) => {
  const found = await inspected(async (top) => {
    await write(path.join(top, file));
    await write(path.join(top, "study/results/a.sca"));
  });
  expect(found.files).toEqual(["study/results/a.sca"]);
  expect(found.problems).toEqual([expect.stringContaining(why)]);
});

it("reports a name that is not UTF-8 as a problem, not as an error", async () => {
  const found = await inspected(async (top) => {
    await write(Buffer.from(`${top}/study/lat\xe9in.txt`, "latin1") as unknown as string).catch(async () => {
      await promisify(execFile)("sh", ["-c", `printf x > "$(printf '${top}/study/lat\\351in.txt')"`]);
    });
  });
  expect(found.problems).toEqual([expect.stringContaining("not named in valid UTF-8")]);
});

it.each(["/etc/hostname", "../../../../etc/hostname", "../../.git"])(
  "reports a link to %s as a problem",
  async (target) => {
    const { problems, files } = await inspected((top) => symlink(target, path.join(top, "study/link")));
    expect(problems).toEqual([expect.stringContaining("study/link (a symbolic link")]);
    expect(files).toEqual([]);
  },
);

it("reports a file that its owner must not read as a problem", async () => {
  const { problems } = await inspected(async (top) => {
    await write(path.join(top, "study/secret"));
    await chmod(path.join(top, "study/secret"), 0);
  });
  expect(problems).toEqual(["study/secret (not readable)"]);
});

it("finds what is in folders that the run has locked, and reports that they are open now", async () => {
  const { files, warnings } = await inspected(async (top) => {
    await write(path.join(top, "study/locked/a"));
    await chmod(path.join(top, "study/locked"), 0);
  });
  expect(files).toEqual(["study/locked/a"]);
  expect(warnings).toEqual([
    "it made directories inaccessible, which stay accessible here: study/locked (mode 000)",
  ]);
});

it("reports a folder that git would treat as a repository as a problem", async () => {
  const { problems } = await inspected(async (top) => {
    for (const name of ["HEAD", "config", "objects/x", "refs/x"])
      await write(path.join(top, "study/results/r", name));
  });
  expect(problems).toEqual([expect.stringContaining("study/results/r (a git repository)")]);
});

it("lists new folders that are empty, and deleted files", async () => {
  const { folders, warnings } = await inspected(async (top) => {
    await mkdir(path.join(top, "study/a/b"), { recursive: true });
    await write(path.join(top, "study/c/d/file"));
    await promisify(execFile)("rm", [path.join(top, "study/omnetpp.ini")]);
  });
  expect(folders).toEqual([`${TOP.slice(1)}/study/a/b`]);
  expect(warnings).toEqual([expect.stringContaining("it deleted project files")]);
});
