import { execFile } from "node:child_process";
import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { mustRun } from "../helpers/swarm.ts";
import { describeWithService } from "../helpers/services.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";
import { newSample, newUser } from "../helpers/tool.ts";

const runFile = promisify(execFile);
const TOOLS = ["runall-swarm", "swarm-tool", "swarm-worker"] as const;
const LARGEST_MB = 30;

interface Packed {
  filename: string;
  files: { path: string; size: number }[];
}

describeWithService(["redis-server", "npm"], "the package, installed from its tarball", () => {
  let folder: Awaited<ReturnType<typeof temporaryDirectory>>;
  let prefix: string;
  let installed: string;
  let packed: Packed;

  // Nothing is fetched from a registry: the cache is empty, and npm may not look elsewhere.
  beforeAll(async () => {
    folder = await temporaryDirectory("swarm-package-");
    prefix = path.join(folder.path, "prefix");
    installed = path.join(prefix, "lib/node_modules/inet-swarm");
    const settings = ["--ignore-scripts", "--cache", path.join(folder.path, "cache"), "--offline"];
    const pack = ["pack", "--json", "--pack-destination", folder.path, ...settings];
    [packed] = JSON.parse((await runFile("npm", pack)).stdout) as [Packed];
    const tarball = path.join(folder.path, packed.filename);
    const install = [
      "install",
      "--global",
      "--prefix",
      prefix,
      "--no-audit",
      "--no-fund",
      ...settings,
      tarball,
    ];
    await runFile("npm", install, { cwd: folder.path });
  });
  afterAll(() => folder[Symbol.asyncDispose]());

  it("is small and contains only what is used", async () => {
    const megabytes = packed.files.reduce((sum, { size }) => sum + size, 0) / 1e6;
    expect(megabytes).toBeLessThan(LARGEST_MB);
    expect(packed.files.map((file) => file.path)).toEqual(
      expect.arrayContaining([
        "LICENSE",
        "CHANGELOG.md",
        "dist/THIRD-PARTY-LICENSES",
        "docs/swarm.schema.json",
      ]),
    );
    expect(packed.files.filter((file) => /\.map$|\.d\.ts$|^(?:test|scripts)\//.test(file.path))).toEqual([]);
    expect(await readdir(path.dirname(installed))).toEqual(["inet-swarm"]);
    expect(await readdir(installed)).not.toContain("node_modules");
  });

  it("names the licenses of all packages that are in the bundle", async () => {
    const text = await readFile(path.join(installed, "dist/THIRD-PARTY-LICENSES"), "utf8");
    const manifest = JSON.parse(await readFile("package.json", "utf8")) as { devDependencies: object };
    const bundled = Object.keys(manifest.devDependencies).filter((name) =>
      /^@aws-sdk|^@bull-board|^@hono|^(?:bullmq|commander|execa|fzstd|hono|ioredis|mongodb|preact|simple-git|tar|valibot)$|^@preact|^d3-/.test(
        name,
      ),
    );
    expect(bundled.length).toBeGreaterThan(15);
    const unnamed = bundled.filter((name) => !new RegExp(`^${name} \\d.*\\(.+\\)$`, "m").test(text));
    expect(unnamed).toEqual([]);
    expect(text.split("Permission is hereby granted, free of charge").length).toBeGreaterThan(15);
    expect(text.includes("Version 2.0, January 2004")).toBe(true);
  });

  it.each(TOOLS)("answers as %s", async (name) => {
    const version = (JSON.parse(await readFile("package.json", "utf8")) as { version: string }).version;
    const program = path.join(prefix, "bin", name);
    expect(await runFile(program, ["--version"])).toEqual({ stdout: `${version}\n`, stderr: "" });
    const { stdout, stderr } = await runFile(program, ["--help"]);
    expect(stdout).toContain(`Usage: ${name}`);
    expect(stderr).toBe("");
  });

  it("has a man page for each program", async () => {
    const pages = await readdir(path.join(prefix, "share/man/man1"));
    expect(pages.sort()).toEqual(TOOLS.map((name) => `${name}.1`));
    expect(await readFile(path.join(prefix, "share/man/man1/swarm-tool.1"), "utf8")).toContain(
      ".SH SYNOPSIS",
    );
  });

  it("executes a campaign on a swarm of its own", async () => {
    await using user = await newUser(installed);
    await using sample = await newSample();
    await mustRun(user, ["init", "--local", "--runners", "2"]);
    const campaign = await user.run("runall-swarm", ["-c", "Quick"], { cwd: sample.study });
    expect(campaign).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("8 done.") as string });
    expect((await sample.results()).filter((file) => file.endsWith(".sca"))).toHaveLength(8);
    const base = new URL((await mustRun(user, ["dashboard"])).stdout.trim()).origin;
    const page = await fetch(`${base}/queues`);
    expect(page.status).toBe(200);
    const assets = [...(await page.text()).matchAll(/"([^"]*static\/[^"]+\.(?:js|css))"/g)];
    expect(assets.length).toBeGreaterThan(2);
    for (const [, asset] of assets) {
      const answer = await fetch(new URL(asset!, `${base}/queues/`));
      expect([asset, answer.status]).toEqual([asset, 200]);
    }
    expect((await fetch(`${base}/page/main.js`)).status).toBe(200);
  });

  it("is the whole content of a Docker image", async () => {
    const context = path.join(folder.path, "context");
    const program = path.join(prefix, "bin/swarm-tool");
    await runFile("sh", ["-c", `mkdir "$2" && "$1" context | tar -x -C "$2"`, "sh", program, context]);
    expect((await readdir(context)).sort()).toEqual(["Dockerfile", "inet-swarm"]);
    const worker = path.join(context, "inet-swarm/bin/swarm-worker.js");
    expect((await runFile(process.execPath, [worker, "--version"])).stderr).toBe("");
    for (const needed of ["dist/bull-board/dist/static/js", "dist/page", "examples/mm1"])
      expect((await stat(path.join(context, "inet-swarm", needed))).isDirectory()).toBe(true);
  });
});
