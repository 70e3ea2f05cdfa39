import { chmod, mkdir, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { makeRepository } from "./git.ts";
import { temporaryDirectory } from "./temporary.ts";

describe("makeRepository", () => {
  it("commits the given files, whatever the user's git configuration is", async () => {
    await using repository = await makeRepository({ "simulations/omnetpp.ini": "[General]\n" });
    const first = await repository.git("rev-parse", "HEAD");
    const second = await repository.commit({ "src/Queue.ned": "simple Queue {}\n" });
    expect(second).toMatch(/^[0-9a-f]{40}$/);
    expect(second).not.toBe(first);
    expect(await repository.git("ls-files")).toBe("simulations/omnetpp.ini\nsrc/Queue.ned");
    expect(await repository.git("status", "--porcelain")).toBe("");
    expect(await repository.git("log", "-1", "--format=%an <%ae> %D")).toBe(
      "A Tester <tester@example.org> HEAD -> main",
    );
  });
});

describe("temporaryDirectory", () => {
  it("is removed at the end of the block, including read-only folders", async () => {
    let file: string;
    {
      await using directory = await temporaryDirectory();
      const folder = path.join(directory.path, "read-only");
      file = path.join(folder, "file");
      await mkdir(folder);
      await writeFile(file, "");
      await chmod(folder, 0o500);
    }
    expect(existsSync(path.dirname(path.dirname(file)))).toBe(false);
  });
});
