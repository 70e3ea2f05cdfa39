import { cp, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { serviceChange } from "../../src/cli/tool/service-change.ts";
import { imageTag, omnetppImage } from "../../src/providers/docker/images.ts";
import { explainRegistry } from "../../src/providers/docker/registry-check.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

describe("the tag of an image", () => {
  it("depends on the content of an archive, not on its location or whether it still exists", async () => {
    await using folder = await temporaryDirectory();
    const [one, two] = ["one.tgz", "elsewhere.tgz"].map((name) => path.join(folder.path, name));
    await writeFile(one!, "a tree");
    await cp(one!, two!);
    const tag = await imageTag({ omnetppArchive: one });
    expect(await imageTag({ omnetppArchive: two, own: true })).toBe(tag);
    const change = await serviceChange({ omnetppArchive: one! });
    const { build } = change({ images: {}, build: {} });
    expect(await imageTag({ ...build, omnetppArchive: "/on/another/machine.tgz" })).toBe(tag);
    await writeFile(two!, "another tree");
    expect(await imageTag({ omnetppArchive: two })).not.toBe(tag);
    expect(await omnetppImage({ omnetppArchive: two })).not.toBe(await omnetppImage({ omnetppArchive: one }));
    const usual = (await serviceChange({ omnetppArchive: "" }))({ images: {}, build });
    expect(usual.build).toEqual({}); // an empty name selects the usual one again
  });
});

describe("the fault of a registry", () => {
  it.each([
    [
      "http: server gave HTTP response to HTTPS client",
      /does not use TLS/,
      /insecure-registries.*r\.example:5000/,
    ],
    ["x509: certificate signed by unknown authority", /certificate/, /certs\.d\/r\.example:5000\/ca\.crt/],
    ["no basic auth credentials", /does not let you push/, /docker login r\.example:5000/],
    ["denied: requested access to the resource is denied", /does not let you push/, /docker login/],
    ["dial tcp 10.0.0.9:5000: connect: connection refused", /cannot be reached from the manager/, /port/],
    ["dial tcp: lookup r.example: no such host", /cannot be reached/, /name/],
    ["unexpected HTTP status: 404 Not Found", /is not a registry/, /path/],
  ])("is recognized in Docker's message: %s", (text, message, hint) => {
    const error = explainRegistry("r.example:5000/group", text);
    expect(error.message).toMatch(message);
    expect(error.hint).toMatch(hint);
  });
});
