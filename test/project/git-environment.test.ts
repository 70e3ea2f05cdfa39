import { chmod, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { fetchingEnvironment, localEnvironment } from "../../src/project/git/commands/environment.ts";
import { resolveCommit } from "../../src/project/git/commit.ts";
import { openCheckout } from "../../src/project/git/git.ts";
import { makeRepository, type Repository } from "../helpers/git.ts";
import { readTree, sendTree } from "../helpers/sent-tree.ts";
import { temporaryDirectory, type TemporaryDirectory } from "../helpers/temporary.ts";

let place: TemporaryDirectory;
let repository: Repository;

beforeEach(async () => {
  place = await temporaryDirectory();
  repository = await makeRepository(
    { "a.txt": "one\n", "src/b.cc": "int b;\n", ".gitignore": "*.log\n" },
    path.join(place.path, "p"),
  );
  await repository.commit({ "a.txt": "two\n" });
  vi.stubEnv("XDG_CACHE_HOME", path.join(place.path, "cache"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await place[Symbol.asyncDispose]();
});

const OTHER = "/other"; // names another repository
const VARIABLES: Record<string, Record<string, string>> = {
  "of a hook": { GIT_DIR: ".git", GIT_INDEX_FILE: ".git/index.lock", GIT_PREFIX: "src/", GIT_EXEC_PATH: "" },
  "of another repository": { GIT_DIR: `${OTHER}/.git`, GIT_WORK_TREE: OTHER },
  "of another index": { GIT_INDEX_FILE: `${OTHER}/.git/index` },
  "of other objects": {
    GIT_OBJECT_DIRECTORY: `${OTHER}/.git/objects`,
    GIT_ALTERNATE_OBJECT_DIRECTORIES: "/x",
  },
  "of another common directory": { GIT_COMMON_DIR: `${OTHER}/.git` },
  "of configuration": {
    GIT_CONFIG_COUNT: "2",
    GIT_CONFIG_KEY_0: "core.autocrlf",
    GIT_CONFIG_VALUE_0: "true",
    GIT_CONFIG_KEY_1: "core.worktree",
    GIT_CONFIG_VALUE_1: OTHER,
    GIT_CONFIG_PARAMETERS: "'core.excludesFile'='/other/all'",
    GIT_CONFIG_GLOBAL: `${OTHER}/config`,
    GIT_CONFIG_SYSTEM: `${OTHER}/config`,
    GIT_CONFIG: `${OTHER}/config`,
  },
  "of discovery": { GIT_CEILING_DIRECTORIES: "/", GIT_DISCOVERY_ACROSS_FILESYSTEM: "1" },
  "of names": { GIT_NAMESPACE: "x", GIT_REPLACE_REF_BASE: "refs/x", GIT_SHALLOW_FILE: "/dev/null" },
  "of pathspecs": { GIT_LITERAL_PATHSPECS: "1", GIT_ICASE_PATHSPECS: "1" },
  "of attributes": { GIT_ATTR_SOURCE: "HEAD~1" },
  "of traces": { GIT_TRACE: "1", GIT_TRACE2: "1", GIT_TRACE_SETUP: "1", GIT_QUARANTINE_PATH: "/x" },
  "of internals": { GIT_INTERNAL_SUPER_PREFIX: "x/", GIT_DEFAULT_HASH: "sha256", GIT_TEST_SPARSE_INDEX: "1" },
};

it.each(Object.entries(VARIABLES))(
  "reads the same data with the variables %s in the environment",
  async (_, env) => {
    await using other = await makeRepository({ "other.txt": "other\n", all: "*\n" });
    await other.write({ config: "[core]\n\tautocrlf = true\n\texcludesFile = all\n" });
    await repository.write({ "a.txt": "changed\n", "new.txt": "new\r\n", "x.log": "not sent\n" });
    const expected = await readTree(repository.path);
    expected.delete("x.log");
    const head = await repository.git("rev-parse", "HEAD");
    const before = await Promise.all([repository.everything(), other.everything()]);
    for (const [name, value] of Object.entries(env))
      vi.stubEnv(name, value.replace(OTHER, other.path).replace(/^\.git/, `${repository.path}/.git`));
    const { files, changed } = await sendTree(repository.path);
    expect(files).toEqual(expected);
    expect(changed).toEqual(["a.txt", "new.txt"]);
    expect((await sendTree(repository.path, { sharesDisk: false })).files).toEqual(expected);
    expect(await resolveCommit(await openCheckout(repository.path), "main")).toBe(head);
    vi.unstubAllEnvs();
    expect(await Promise.all([repository.everything(), other.everything()])).toEqual(before);
  },
);

it("keeps variables that configure connections for commands that fetch", () => {
  const kept = { GIT_SSH_COMMAND: "ssh -i key", GIT_SSL_CAINFO: "/ca.pem", GIT_SSL_NO_VERIFY: "1" };
  const all = { ...kept, GIT_DIR: "/x", GIT_PREFIX: "x", HOME: "/home/u" };
  const env = fetchingEnvironment(["https"], all);
  expect(env).toMatchObject({ GIT_SSL_CAINFO: "/ca.pem", GIT_SSL_NO_VERIFY: "1", HOME: "/home/u" });
  expect(env["GIT_SSH_COMMAND"]).toMatch(/^ssh -i key /);
  expect(env).not.toHaveProperty("GIT_DIR");
  expect(env).not.toHaveProperty("GIT_PREFIX");
  const { GIT_OPTIONAL_LOCKS, GIT_NO_LAZY_FETCH, GIT_ALLOW_PROTOCOL, LC_ALL, ...local } =
    localEnvironment(all);
  expect({ GIT_OPTIONAL_LOCKS, GIT_NO_LAZY_FETCH, GIT_ALLOW_PROTOCOL, LC_ALL }).toEqual({
    GIT_OPTIONAL_LOCKS: "0",
    GIT_NO_LAZY_FETCH: "1",
    GIT_ALLOW_PROTOCOL: "none",
    LC_ALL: "C",
  });
  expect(local).toEqual({ HOME: "/home/u" });
});

it("executes nothing that the configuration, attributes or hooks name", async () => {
  const log = path.join(place.path, "executed");
  const program = path.join(place.path, "program.sh");
  await writeFile(program, `#!/bin/sh\necho "$0 $*" >>"${log}"\ncat\n`);
  await chmod(program, 0o755);
  const programs = [
    "core.fsmonitor",
    "core.sshCommand",
    "core.editor",
    "core.pager",
    "core.askPass",
    "core.gitProxy",
    "core.alternateRefsCommand",
    "diff.external",
    "diff.x.command",
    "diff.x.textconv",
    "merge.x.driver",
    "filter.x.clean",
    "filter.x.smudge",
    "filter.x.process",
    "filter.lfs.clean",
    "filter.lfs.smudge",
    "filter.lfs.process",
    "gpg.program",
    "gpg.ssh.program",
    "pager.log",
    "uploadpack.packObjectsHook",
    "remote.origin.uploadpack",
    "remote.origin.vcs",
    "trailer.x.command",
    "interactive.diffFilter",
    "sequence.editor",
  ];
  const hooks =
    "applypatch-msg pre-commit post-checkout post-index-change reference-transaction pre-auto-gc fsmonitor-watchman";
  const folder = path.join(repository.path, ".git/own-hooks");
  await mkdir(folder);
  for (const hook of hooks.split(" ")) {
    await writeFile(path.join(folder, hook), `#!/bin/sh\nexec ${program}\n`, { mode: 0o755 });
    await writeFile(path.join(repository.path, ".git/hooks", hook), `#!/bin/sh\nexec ${program}\n`, {
      mode: 0o755,
    });
  }
  await repository.write({
    ".gitattributes": "*.txt filter=x diff=x merge=x\n*.cc filter=lfs\n",
    "a.txt": "changed\n",
  });
  for (const name of programs) await repository.git("config", name, program);
  const others = {
    "credential.helper": `!${program}`,
    "alias.ls-files": `!${program}`,
    "alias.hash-object": `!${program}`,
    "core.hooksPath": folder,
    "log.showSignature": "true",
    "filter.x.required": "true",
    "remote.origin.url": `ext::${program}`,
    "remote.-x.url": "--upload-pack=touch",
    "remote.other.url": `ssh://-oProxyCommand=${program}/x`,
    "protocol.ext.allow": "always",
    "protocol.allow": "always",
    "gc.auto": "1",
  };
  for (const [name, value] of Object.entries(others)) await repository.git("config", name, value);
  const expected = await readTree(repository.path);
  for (const sharesDisk of [true, false])
    expect((await sendTree(repository.path, { sharesDisk })).files).toEqual(expected);
  for (const sharesDisk of [true, false]) {
    const { files } = await sendTree(repository.path, { sharesDisk, ref: "HEAD" });
    expect(files.get("a.txt")).toBe("file two\n");
  }
  expect(await readdir(place.path)).not.toContain("executed");
  await rm(folder, { recursive: true });
});
