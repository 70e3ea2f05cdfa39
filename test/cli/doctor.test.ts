import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { newUser, type Finished, type User } from "../helpers/tool.ts";

/** What the programs of a machine print when they are asked for their version. */
const PRINTED = {
  git: "git version 2.39.5",
  opp_run: "OMNeT++ Discrete Event Simulation\nVersion: 6.2.0, build: 1",
  "redis-server": "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64",
  make: "GNU Make 4.3",
  "g++": "g++ (Debian 12.2.0-14) 12.2.0",
  ccache: "ccache version 4.7.5\nFeatures: file-storage",
  docker: "Docker version 28.2.2, build e6534b4",
} as const;

type Program = keyof typeof PRINTED;

/** Runs `swarm-tool` for a user whose machine has only these programs, and no AWS credentials. */
async function on(
  user: User,
  programs: Partial<Record<Program, string>>,
  ...args: string[]
): Promise<Finished> {
  const folder = path.join(user.directory, "programs");
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(programs)) {
    const script = `#!/bin/sh\ncat <<'END'\n${text}\nEND\n`;
    await writeFile(path.join(folder, name), script.replace("cat", "/bin/cat"), { mode: 0o755 });
  }
  return await user.run("swarm-tool", args, { env: { ...WITHOUT_AWS, PATH: folder } });
}

const WITHOUT_AWS = Object.fromEntries([
  ...["AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE"].map((name) => [name, ""] as const),
  ...["AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"].map((name) => [name, ""] as const),
  ["AWS_EC2_METADATA_DISABLED", "true"] as const,
]);

function without(...names: Program[]): Partial<Record<Program, string>> {
  return Object.fromEntries(Object.entries(PRINTED).filter(([name]) => !names.includes(name as Program)));
}

describe("swarm-tool doctor", () => {
  it("prints what it found in sections, with versions", async () => {
    await using user = await newUser();
    const { stdout, exitCode } = await on(user, PRINTED, "doctor");
    const [machine, docker, aws, verdict] = stdout.split("\n\n").map((text) => text.trimEnd().split("\n"));
    expect(machine).toEqual([
      "This machine",
      `  ok    Node.js ${process.versions.node}`,
      "  ok    git 2.39.5",
      "  ok    OMNeT++ 6.2.0",
      "  ok    redis-server 7.0.15",
      "  ok    make 4.3",
      "  ok    g++ 12.2.0",
      "  ok    ccache 4.7.5",
    ]);
    expect(docker!.slice(0, 2)).toEqual(["Docker (for swarms on Docker and AWS)", "  ok    docker 28.2.2"]);
    expect(docker![2]).toMatch(/^ {2}note {2}Docker Engine: /);
    expect(aws).toEqual([
      "AWS",
      "  not configured on this machine, so not checked; to check it, run: swarm-tool doctor --aws",
    ]);
    expect(verdict).toEqual(["ready"]);
    expect(exitCode).toBe(0);
  });

  it.each([
    { missing: "git", asked: [], label: "FAIL" },
    { missing: "opp_run", asked: ["--docker"], label: "FAIL" },
    { missing: "redis-server", asked: [], label: "note" },
    { missing: "redis-server", asked: ["--local"], label: "FAIL" },
    { missing: "g++", asked: ["--local"], label: "note" },
    { missing: "ccache", asked: ["--local"], label: "note" },
    { missing: "docker", asked: ["--local"], label: "note" },
    { missing: "docker", asked: ["--docker"], label: "FAIL" },
    { missing: "docker", asked: ["--host", "ssh://lab"], label: "FAIL" },
    { missing: "docker", asked: ["--local", "--aws"], label: "FAIL" },
  ] as const)("without $missing, doctor $asked prints $label", async ({ missing, asked, label }) => {
    await using user = await newUser();
    const { stdout, exitCode } = await on(user, without(missing), "doctor", ...asked);
    const name = missing === "opp_run" ? "OMNeT++ (opp_run)" : missing;
    expect(stdout).toContain(`  ${label}  ${name}: not found\n        hint: `);
    if (label === "FAIL") expect(exitCode).toBe(2);
    else expect(stdout).not.toContain("FAIL");
    expect(stdout.trimEnd().split("\n").at(-1)).toMatch(label === "FAIL" ? /^not ready: / : /ready/);
  });

  it("fails for a Redis that is too old for a queue", async () => {
    await using user = await newUser();
    const old = { ...PRINTED, "redis-server": "Redis server v=6.0.16 sha=00000000:0" };
    const { stdout, exitCode } = await on(user, old, "doctor", "--local");
    expect(stdout).toContain("  FAIL  redis-server 6.0.16: too old; at least 6.2 is required\n");
    expect(exitCode).toBe(2);
  });

  it("checks AWS only if it is asked for or configured", async () => {
    await using user = await newUser();
    const asked = await on(user, PRINTED, "doctor", "--aws");
    expect(asked.stdout).toContain("  FAIL  region: no AWS region is configured\n");
    expect(asked.exitCode).toBe(2);
    await mkdir(path.join(user.directory, ".aws"));
    await writeFile(path.join(user.directory, ".aws/config"), "[default]\noutput = json\n");
    const configured = await on(user, PRINTED, "doctor");
    expect(configured.stdout).toContain("  note  region: no AWS region is configured\n");
    expect(configured.exitCode).toBe(0);
  });
});

describe("swarm-tool init without a kind of swarm", () => {
  it("offers the three kinds if there are no AWS credentials", async () => {
    await using user = await newUser();
    const { stderr, stdout, exitCode } = await on(user, PRINTED, "init");
    expect(stdout).toBe("");
    for (const option of ["--local", "--docker", "--aws"])
      expect(stderr).toMatch(new RegExp(`^  swarm-tool init ${option}\n      on .*\\.$`, "m"));
    expect(stderr).not.toMatch(/hint:|error|AWS region/);
    expect(exitCode).toBe(2); // nothing was created: a script must not continue
    expect((await on(user, PRINTED, "init", "lab")).stderr).toContain("\n  swarm-tool init lab --docker\n");
  });

  it.each([["--aws"], ["--workers", "5"], ["--region", "eu-central-1", "--yes"]])(
    "reports what is missing on AWS if %s asks for it",
    async (...args) => {
      await using user = await newUser();
      const { stderr, exitCode } = await on(user, PRINTED, "init", ...args);
      expect(stderr).toMatch(/^swarm-tool: .*(AWS|ssh)/);
      expect(exitCode).toBe(2);
    },
  );

  it("refuses two kinds", async () => {
    await using user = await newUser();
    const { stderr } = await on(user, PRINTED, "init", "--local", "--aws");
    expect(stderr).toContain("--local and --aws cannot be used together");
  });
});
