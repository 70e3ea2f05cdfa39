import { access, chmod, mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { answerTo, ask } from "../../src/project/git/commands/ask.ts";
import { objectContents } from "../../src/project/git/commands/contents.ts";
import { GitNotStarted } from "../../src/project/git/commands/not-started.ts";
import { makeRepository } from "../helpers/git.ts";
import { temporaryDirectory, type TemporaryDirectory } from "../helpers/temporary.ts";

let place: TemporaryDirectory;

beforeEach(async () => {
  place = await temporaryDirectory();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await place[Symbol.asyncDispose]();
});

/** Puts a shell script on PATH that takes the place of git. */
async function useInsteadOfGit(script: string): Promise<void> {
  const bin = path.join(place.path, "bin");
  await mkdir(bin);
  await writeFile(path.join(bin, "git"), `#!/bin/sh\n${script}\n`);
  await chmod(path.join(bin, "git"), 0o755);
  vi.stubEnv("PATH", `${bin}:${process.env["PATH"] ?? ""}`);
}

it("takes a failing exit code for an answer, also if git prints nothing", async () => {
  await using repository = await makeRepository();
  const cwd = repository.path;
  const quiet = await answerTo(["config", "--get", "no.such"], { cwd });
  expect(quiet).toEqual({ exitCode: 1, stdout: "", stderr: "" });
  const loud = await answerTo(["cat-file", "-t", "no-such"], { cwd });
  expect(loud).toMatchObject({ exitCode: 128, stdout: "" });
  expect(loud.stderr).toContain("no-such");
  await expect(ask(["config", "--get", "no.such"], { cwd })).rejects.toThrow("git config: exit code 1");
});

it("returns what git prints beside an answer that succeeds", async () => {
  await useInsteadOfGit("echo files; echo 'warning: a folder' >&2");
  const answer = await answerTo(["ls-files"], { cwd: place.path });
  expect(answer).toEqual({ exitCode: 0, stdout: "files\n", stderr: "warning: a folder\n" });
});

it("does not take a part for the whole if git is killed", async () => {
  await useInsteadOfGit("printf part; kill -KILL $$");
  const answer = await answerTo(["ls-files"], { cwd: place.path });
  expect(answer.exitCode).toBe(-1);
  await expect(ask(["ls-files"], { cwd: place.path })).rejects.toThrow("git ls-files: part");
});

it("reads all that git prints after it has exited", async () => {
  const lines = 200_000;
  await useInsteadOfGit(`{ seq ${lines}; } &`);
  const printed = await ask(["ls-files"], { cwd: place.path });
  expect(printed.trimEnd().split("\n")).toHaveLength(lines);
});

it("closes the standard input of a command that is given none, or an empty one", async () => {
  await useInsteadOfGit("cat; echo end");
  expect(await ask(["ls-files"], { cwd: place.path })).toBe("end\n");
  expect(await ask(["ls-files"], { cwd: place.path, input: "" })).toBe("end\n");
  expect(await ask(["ls-files"], { cwd: place.path, input: "a\0b" })).toBe("a\0bend\n");
});

it("keeps every byte of files", async () => {
  const bytes = Buffer.from(Array.from({ length: 1024 }, (_, at) => at % 256));
  await using repository = await makeRepository();
  await writeFile(path.join(repository.path, "bytes"), bytes);
  await repository.commit();
  const contents: string[] = [];
  const names = ["HEAD:bytes", "HEAD:README.md"];
  for await (const [, content] of objectContents(names, { cwd: repository.path })) contents.push(content);
  expect(contents).toEqual([bytes.toString("latin1"), "a test\n"]);
});

it("works with variables of the environment that simple-git refuses", async () => {
  await using repository = await makeRepository();
  const names = ["EDITOR", "PAGER", "VISUAL", "PREFIX", "prefix", "GIT_EDITOR", "GIT_PAGER", "git_ssh"];
  for (const name of [...names, "SSH_ASKPASS", "GIT_SSH", "GIT_EXTERNAL_DIFF"]) vi.stubEnv(name, "/x");
  expect(await ask(["rev-parse", "HEAD"], { cwd: repository.path })).toMatch(/^[0-9a-f]{40}\n$/);
});

it("refuses options that run a program, wherever they come from", async () => {
  await using repository = await makeRepository();
  const cwd = repository.path;
  for (const option of ["--upload-pack=touch x", "--receive-pack=touch x"])
    await expect(ask(["rev-parse", "--verify", option], { cwd })).rejects.toThrow("is not permitted");
  await expect(ask(["-c", "core.sshCommand=touch x", "remote"], { cwd })).rejects.toThrow("is not permitted");
});

it("says that git is missing, or its folder", async () => {
  vi.stubEnv("PATH", place.path);
  const missing = ask(["rev-parse", "HEAD"], { cwd: place.path });
  await expect(missing).rejects.toMatchObject({ message: "git: command not found", hint: "install git" });
  const cwd = path.join(place.path, "gone");
  const elsewhere = ask(["rev-parse", "HEAD"], { cwd });
  await expect(elsewhere).rejects.toEqual(new GitNotStarted(`${cwd} is not a folder`));
});

it("does not wait for a git that does not end", async () => {
  const started = path.join(place.path, "started");
  await useInsteadOfGit(`trap '' INT; : > "${started}"; while [ -e "${started}" ]; do sleep 0.05; done`);
  const abort = new AbortController();
  const asking = ask(["ls-files"], { cwd: place.path, signal: abort.signal });
  const outcome = asking.catch((error: unknown) => error);
  await expect.poll(() => access(started).then(() => true)).toBe(true);
  abort.abort();
  expect(await outcome).toMatchObject({ name: "AbortError" });
  await expect(ask(["ls-files"], { cwd: place.path, signal: abort.signal })).rejects.toThrow();
  await expect(ask(["ls-files"], { cwd: place.path, timeoutMs: 1 })).rejects.toThrow(
    `git ls-files prints nothing in ${place.path}`,
  );
  await rm(started, { force: true });
});
