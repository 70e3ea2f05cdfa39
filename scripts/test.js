import { spawn } from "node:child_process";
import path from "node:path";
import process from "node:process";
import { provideDockerBase } from "./docker-base.js";
import { provideMongoServer } from "./mongo-server.js";
import { provideNewerDocker } from "./newer-docker.js";
import { providePythonTools } from "./python-tools.js";
import { ROOT, runScript, setUp } from "./setup.js";

// npm test [-- arguments for vitest]: installs what is missing, then runs the tests.
await runScript(async () => {
  // Tests that need a missing program are skipped with a message, or fail with REQUIRE_SERVICES=1.
  const system = [
    "redis-server",
    "git",
    "make",
    "cc",
    "chromium",
    "groff",
    "ssh",
    "sshd",
    "python3",
    "dockerd",
    "docker",
    "docker-registry",
    "ip",
    "debootstrap",
    "script",
    "zsh",
    "fish",
  ];
  await setUp({ system, optional: true });
  await Promise.all([providePythonTools(), provideServers()]);
  const vitest = path.join(ROOT, "node_modules", "vitest", "vitest.mjs");
  const tests = spawn(process.execPath, [vitest, "run", ...process.argv.slice(2)], {
    cwd: ROOT,
    stdio: "inherit",
  });
  process.on("SIGINT", () => undefined); // vitest receives Ctrl-C, too, and ends by itself
  process.on("SIGTERM", () => tests.kill());
  return await new Promise((resolve, reject) => {
    tests.once("error", reject).once("close", (code) => resolve(code ?? 1));
  });
});

/** Provides the servers one after the other, because the Docker image contains the MongoDB server. */
async function provideServers() {
  for (const provide of [provideMongoServer, provideDockerBase, provideNewerDocker]) {
    const reason = await provide(console.log);
    if (reason !== undefined) console.error(reason);
  }
}
