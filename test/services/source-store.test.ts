import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { openGridFsSources } from "../../src/stores/gridfs-source-store.ts";
import { openMongo } from "../../src/stores/mongo.ts";
import { describeWithMongo, someMongo } from "../helpers/mongo.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

const CLIENTS = 4;

describeWithMongo("MongoDB as source store", () => {
  it("has a source from the first moment on, even if others send the same one meanwhile", async () => {
    await using server = await someMongo();
    await using mongo = await openMongo({ url: server.url, onWaiting: () => undefined });
    await using directory = await temporaryDirectory();
    const pack = path.join(directory.path, "pack");
    await writeFile(pack, randomBytes(3 << 20));
    const sources = openGridFsSources(mongo);
    const source = { commit: "c".repeat(40), tree: "7".repeat(40), packs: ["7".repeat(40)] };
    const read = async (): Promise<void> => {
      await using found = await sources.open(source.tree);
      expect(found && (await readFile(found.path)).equals(await readFile(pack))).toBe(true);
    };
    await Promise.all(
      Array.from({ length: CLIENTS }, async () => {
        await sources.put(source, pack);
        await read();
      }),
    );
    await read();
    expect(await mongo.db.collection("sources.uploads").countDocuments()).toBe(0);
    expect(await mongo.db.collection("sources.files").countDocuments()).toBe(1);
    expect(await mongo.db.collection("sources.chunks").countDocuments()).toBe(4); // 3 MB in pieces, as a tar
  });
});
