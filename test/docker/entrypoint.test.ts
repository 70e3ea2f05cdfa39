import { execFile } from "node:child_process";
import { chmod, copyFile, mkdir, realpath, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../helpers/temporary.ts";

const ENTRYPOINT = fileURLToPath(new URL("../../docker/entrypoint.sh", import.meta.url));
const run = promisify(execFile);

/** A worker that reads its secrets and then lets a simulation search for them. */
const WORKER = `
import { closeSync, readFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
const at = process.argv.indexOf("--secrets") + 1;
const secrets = at > 0 ? readFileSync(Number(process.argv[at]), "utf8") : "";
if (at > 0) closeSync(Number(process.argv[at]));
const { stdout, stderr } = spawnSync("sh", [process.env.SIMULATION]);
console.log(JSON.stringify({ secrets, argv: process.argv.slice(2), found: String(stdout), refused: String(stderr) }));
`;

/** Reads what it can of all parent processes: their command lines, files and memory, and the files of the secrets. */
const SIMULATION = `
id -u; env; ps -eo args 2>&1
cat "$SECRETS/redis-url" "$SECRETS/mongo-url"
pid=$PPID
while [ "$pid" -gt 1 ]; do
  tr '\\0' '\\n' </proc/$pid/environ
  tr '\\0' ' ' </proc/$pid/cmdline
  for fd in /proc/$pid/fd/*; do [ -e "$fd" ] && timeout 1 head -c 4096 "$fd"; done
  grep -a -o 'secret-of-[a-z]*' /proc/$pid/mem
  grep -l '[stack]' /proc/$pid/maps
  pid=$(sed 's/.*) . \\([0-9]*\\) .*/\\1/' /proc/$pid/stat)
  [ "$pid" = "$TEST_PID" ] && break
done
true
`;

describe.skipIf(process.getuid?.() !== 0)("the entry point of a worker's container (as root)", () => {
  const start = async (env: NodeJS.ProcessEnv, mode = 0o711, simulation = SIMULATION) => {
    await using directory = await temporaryDirectory();
    const place = directory.path;
    await chmod(place, 0o755);
    const node = path.join(place, "node");
    await copyFile(await realpath(process.execPath), node);
    await chmod(node, mode);
    const secrets = path.join(place, "secrets");
    await mkdir(secrets);
    await writeFile(path.join(secrets, "redis-url"), "redis://:secret-of-redis@redis:6379\n", {
      mode: 0o400,
    });
    await writeFile(path.join(secrets, "mongo-url"), "mongodb://swarm:secret-of-mongo@mongo/\n", {
      mode: 0o400,
    });
    await writeFile(path.join(place, "worker.mjs"), WORKER);
    await writeFile(path.join(place, "simulation.sh"), simulation);
    const program = path.join(place, "swarm-worker");
    await writeFile(program, `#!/bin/sh\nexec ${node} ${place}/worker.mjs "$@"\n`, { mode: 0o755 });
    const files = { REDIS_URL_FILE: `${secrets}/redis-url`, MONGO_URL_FILE: `${secrets}/mongo-url` };
    const { stdout } = await run(ENTRYPOINT, ["runner", "--concurrency", "2"], {
      cwd: "/",
      env: {
        PATH: `${place}:/usr/bin:/bin`,
        SIMULATION: path.join(place, "simulation.sh"),
        SECRETS: secrets,
        TEST_PID: String(process.pid),
        ...files,
        ...env,
      },
    });
    return JSON.parse(stdout) as { secrets: string; argv: string[]; found: string; refused: string };
  };

  it("passes credentials to the worker, and none to the programs that it starts", async () => {
    const { secrets, argv, found, refused } = await start({});
    expect(secrets.trim().split("\n")).toEqual([
      "REDIS_URL=redis://:secret-of-redis@redis:6379",
      "MONGO_URL=mongodb://swarm:secret-of-mongo@mongo/",
    ]);
    const alive = ["--alive-file", "/tmp/swarm-worker-alive"];
    expect(argv).toEqual(["--secrets", "3", ...alive, "runner", "--concurrency", "2"]);
    expect(found.split("\n")[0]).toBe("1000");
    expect(found).not.toContain("secret-of");
    expect(found).not.toMatch(/^(?:REDIS|MONGO)_URL/m);
    for (const file of ["redis-url", "mongo-url", "environ", "mem", "maps"])
      expect(refused).toMatch(new RegExp(`${file}.*: Permission denied`));
  });

  it("also reads credentials from the environment, and removes them from there", async () => {
    const given = { REDIS_URL: "redis://:secret-of-env@r", REDIS_URL_FILE: "", MONGO_URL_FILE: "" };
    const { secrets, found } = await start(given);
    expect(secrets.trim()).toBe("REDIS_URL=redis://:secret-of-env@r");
    expect(found).not.toContain("secret-of");
  });

  it("needs a program that nobody may read", async () => {
    const look = "head -c 1 /proc/$PPID/environ >/dev/null && head -c 0 /proc/$PPID/mem && echo open";
    expect((await start({}, 0o755, look)).found).toBe("open\n");
    expect((await start({}, 0o711, look)).found).toBe("");
  });
});
