import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { findProgram } from "../../scripts/setup.js";
import { repairData } from "../../src/providers/local/redis-repair.ts";
import { describeWithService } from "../helpers/services.ts";
import { temporaryDirectory, type TemporaryDirectory } from "../helpers/temporary.ts";

const SET = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n";
const BASE = "VALKEY080 and what only Valkey can read";

describeWithService(["redis-server", "redis-check-aof"], "the repair of data that Valkey 9 wrote", () => {
  /** Writes data whose first file redis-check-aof, like valkey-check-aof 9.1, takes for damaged. */
  async function data(folder: TemporaryDirectory, last: string): Promise<string> {
    const files = path.join(folder.path, "redis/appendonlydir");
    await mkdir(files, { recursive: true });
    const manifest = "file a.aof.1.base.rdb seq 1 type b\nfile a.aof.1.incr.aof seq 1 type i\n";
    await writeFile(path.join(files, "a.aof.manifest"), manifest);
    await writeFile(path.join(files, "a.aof.1.base.rdb"), BASE);
    await writeFile(path.join(files, "a.aof.1.incr.aof"), last);
    return path.dirname(files);
  }

  const server = findProgram("redis-server")!;

  it("cuts the last file where it is damaged, and leaves the first one as it is", async () => {
    await using folder = await temporaryDirectory();
    const redis = await data(folder, `${SET}${SET}garbage`);
    expect(await repairData(redis, server)).toContain("has been repaired: the last 7 of ");
    expect(await readFile(path.join(redis, "appendonlydir/a.aof.1.incr.aof"), "utf8")).toBe(`${SET}${SET}`);
    expect(await readFile(path.join(redis, "appendonlydir/a.aof.1.base.rdb"), "utf8")).toBe(BASE);
  });

  it("changes nothing if the last file is not damaged, because then the first one is", async () => {
    await using folder = await temporaryDirectory();
    const redis = await data(folder, SET);
    await expect(repairData(redis, server)).rejects.toThrow(
      "cannot be repaired: a.aof.1.incr.aof is not damaged, so another file is",
    );
    expect(await readdir(folder.path)).toEqual(["redis"]);
  });
});
