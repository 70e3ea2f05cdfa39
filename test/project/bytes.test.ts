import { chmod, cp, lstat, mkdir, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { makeRepository, type Repository } from "../helpers/git.ts";
import { readTree, sendTree } from "../helpers/sent-tree.ts";
import { temporaryDirectory, type TemporaryDirectory } from "../helpers/temporary.ts";

let place: TemporaryDirectory;

beforeEach(async () => {
  place = await temporaryDirectory();
  vi.stubEnv("XDG_CACHE_HOME", path.join(place.path, "cache"));
  vi.stubEnv("XDG_CONFIG_HOME", path.join(place.path, "config"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await place[Symbol.asyncDispose]();
});

const UTF_16 = Buffer.from("utf-16 text\n", "utf16le").toString("latin1");

/** Names and contents of any kind: latin1 stands for bytes. */
const FILES: Record<string, string> = {
  "lf.txt": "one\ntwo\n",
  "crlf.txt": "one\r\ntwo\r\n",
  "mixed.txt": "one\r\ntwo\n",
  "cr.txt": "one\rtwo\r",
  "binary.bin": "\0\x01\xff\r\n\0",
  "empty.txt": "",
  "id.txt": "$Id$\n",
  "id-expanded.txt": "$Id: 0123456789 $\n",
  "utf16.enc": UTF_16,
  "latin.enc": "caf\xe9\n",
  "src/deep/a.cc": "int a;\n",
  "src/run.sh": "#!/bin/sh\n",
  "long.txt": "a line\n".repeat(20_000),
  "-dash.txt": "dash\n",
  "#hash.txt": "hash\n",
  "a b.txt": "space\n",
  "new\nline.txt": "newline\n",
  "carriage\r": "return\n",
  'quo"te.txt': "quote\n",
  "back\\slash.txt": "backslash\n",
  "\u00fc\u{1f600}.txt": "unicode\n",
};

async function writeFiles(top: string, files = FILES): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.join(top, path.dirname(name)), { recursive: true });
    await writeFile(path.join(top, name), Buffer.from(content, "latin1"));
  }
}

/** A repository with all the files, committed under some configuration and attributes. */
async function makeFiles(config: Record<string, string> = {}, attributes = ""): Promise<Repository> {
  const repository = await makeRepository({}, path.join(place.path, "p"));
  for (const [name, value] of Object.entries(config)) await repository.git("config", name, value);
  if (attributes !== "") await repository.write({ ".gitattributes": attributes });
  await writeFiles(repository.path);
  await chmod(path.join(repository.path, "src/run.sh"), 0o755);
  await symlink("lf.txt", path.join(repository.path, "link"));
  await symlink("nowhere", path.join(repository.path, "src/broken"));
  await repository.commit();
  return repository;
}

/** Lets git write all files according to its settings. */
async function writeAnew(repository: Repository): Promise<void> {
  for (const name of Object.keys(FILES)) await rm(path.join(repository.path, name));
  await repository.git("checkout", "--quiet", "--", ".");
}

/** Makes the index appear to be written long after the files, so that its entries are trusted. */
async function trustIndex(repository: Repository): Promise<void> {
  const later = new Date(Date.now() + 60_000);
  await utimes(path.join(repository.path, ".git/index"), later, later);
}

const ROT_13 = "tr A-Za-z N-ZA-Mn-za-m";

const CONFIGURATIONS: Record<string, [config: Record<string, string>, attributes?: string]> = {
  nothing: [{}],
  "core.autocrlf=true": [{ "core.autocrlf": "true" }],
  "core.autocrlf=input": [{ "core.autocrlf": "input" }],
  "core.eol=crlf": [{ "core.eol": "crlf" }, "* text=auto\n"],
  "core.safecrlf=true": [{ "core.safecrlf": "true" }],
  "text eol=crlf": [{}, "*.txt text eol=crlf\n"],
  "text eol=lf": [{}, "*.txt text eol=lf\n"],
  ident: [{}, "*.txt ident\n"],
  "working-tree-encoding": [{}, "utf16.enc text working-tree-encoding=UTF-16LE\n"],
  "an encoding that keeps sizes": [{}, "lf.txt text working-tree-encoding=IBM1047\n"],
  "a filter": [
    { "filter.rot.clean": ROT_13, "filter.rot.smudge": ROT_13, "filter.rot.required": "true" },
    "*.txt filter=rot\n",
  ],
  "a filter of an odd name": [
    { "filter.a.b=c d.clean": ROT_13, "filter.a.b=c d.smudge": ROT_13 },
    "*.txt filter=a.b=c\n",
  ],
  "a macro": [{ "core.eol": "crlf" }, "[attr]mine text ident eol=crlf\n*.txt mine\n"],
  "export-subst": [{}, "*.txt export-subst export-ignore\n"],
  "core.fileMode=false": [{ "core.fileMode": "false" }],
  "core.ignoreCase=true": [{ "core.ignoreCase": "true" }],
  "core.precomposeUnicode": [{ "core.precomposeUnicode": "true" }],
  "core.quotePath=false": [{ "core.quotePath": "false" }],
  "core.bigFileThreshold": [{ "core.bigFileThreshold": "1" }],
  "core.checkStat=minimal": [{ "core.checkStat": "minimal", "core.trustctime": "false" }],
  "core.splitIndex": [{ "core.splitIndex": "true" }],
  "core.untrackedCache": [{ "core.untrackedCache": "true" }],
  "index.version=4": [{ "index.version": "4", "feature.manyFiles": "true" }],
};

it.each(Object.entries(CONFIGURATIONS))(
  "sends the bytes of the disk to a worker: %s",
  async (_, [config, attributes = ""]) => {
    const repository = await makeFiles(config, attributes);
    const expectSame = async (sharesDisk = true): Promise<void> =>
      expect((await sendTree(repository.path, { sharesDisk })).files).toEqual(
        await readTree(repository.path),
      );
    await expectSame();
    await writeAnew(repository);
    await expectSame();
    await repository.write({
      "lf.txt": "changed\r\nmore\n",
      "id.txt": "$Id: mine $\n",
      "src/new.txt": "new\r\n",
    });
    await chmod(path.join(repository.path, "src/run.sh"), 0o644);
    await chmod(path.join(repository.path, "src/deep/a.cc"), 0o755);
    await rm(path.join(repository.path, "mixed.txt"));
    await writeFiles(repository.path, { 'odd\n\r"\\ new.txt': "odd\r\n", "-new.txt": "$Id$" });
    await expectSame(false);
  },
);

/** Settings that leave no trace: an encoding in which this text has other bytes, but as many. */
const TRACELESS = "an encoding that keeps sizes";

it.each(Object.entries(CONFIGURATIONS).filter(([name]) => name !== TRACELESS))(
  "sends the bytes of the disk when the settings are gone that the index does not record: %s",
  async (_, [config, attributes = ""]) => {
    const repository = await makeFiles(config, attributes);
    await writeAnew(repository);
    const isFilter = Object.keys(config).some((name) => name.startsWith("filter."));
    if (!isFilter) for (const name of Object.keys(config)) await repository.git("config", "--unset", name);
    await rm(path.join(repository.path, ".gitattributes"), { force: true });
    await trustIndex(repository);
    expect((await sendTree(repository.path)).files).toEqual(await readTree(repository.path));
  },
);

type Change = (repository: Repository) => Promise<unknown>;
const JUST_NOW = "a change of the same size, just after the commit";
const STATES: Record<string, Change> = {
  "files of which git is to assume that they are unchanged": async (r) => {
    await r.git("update-index", "--assume-unchanged", "lf.txt", "empty.txt", "src/run.sh");
    await r.write({ "lf.txt": "changed\n" });
    await rm(path.join(r.path, "empty.txt"));
    await chmod(path.join(r.path, "src/run.sh"), 0o644);
  },
  "files that git is to skip": async (r) => {
    await r.git("update-index", "--skip-worktree", "lf.txt", "empty.txt", "src/run.sh");
    await r.write({ "lf.txt": "changed\n" });
    await rm(path.join(r.path, "empty.txt"));
    await chmod(path.join(r.path, "src/run.sh"), 0o644);
  },
  [JUST_NOW]: (r) => r.write({ "lf.txt": "One\ntwo\n" }),
  "a change of the same size and time": async (r) => {
    const { atime, mtime } = await lstat(path.join(r.path, "lf.txt"));
    await r.write({ "lf.txt": "One\ntwo\n" });
    await utimes(path.join(r.path, "lf.txt"), atime, mtime);
    await trustIndex(r);
    await r.git("config", "core.trustctime", "false");
  },
  "a staged version that is not on the disk": async (r) => {
    await r.write({ "lf.txt": "staged\n" });
    await r.git("add", "lf.txt");
    await r.write({ "lf.txt": "later\n" });
  },
  "a file that git has forgotten": (r) => r.git("rm", "--quiet", "--cached", "lf.txt"),
  "a file that is only to be added": async (r) => {
    await r.write({ "later.txt": "later\r\n" });
    await r.git("add", "--intent-to-add", "later.txt");
  },
  "a folder in the place of a file": async (r) => {
    await rm(path.join(r.path, "lf.txt"));
    await r.write({ "lf.txt/inside.txt": "inside\n" });
  },
  "a file in the place of a folder": async (r) => {
    await rm(path.join(r.path, "src"), { recursive: true });
    await r.write({ src: "a file\n" });
  },
  "a link in the place of a folder": async (r) => {
    await rename(path.join(r.path, "src"), path.join(r.path, "moved"));
    await symlink("moved", path.join(r.path, "src"));
  },
  "a link in the place of a file, and the other way round": async (r) => {
    await rm(path.join(r.path, "lf.txt"));
    await symlink("crlf.txt", path.join(r.path, "lf.txt"));
    await rm(path.join(r.path, "link"));
    await r.write({ link: "lf.txt" });
  },
  "files in place of links, if git creates no links": async (r) => {
    await r.git("config", "core.symlinks", "false");
    await rm(path.join(r.path, "link"));
    await r.git("checkout", "--quiet", "--", "link");
  },
  "a sparse checkout": async (r) => {
    await r.git("sparse-checkout", "set", "src/deep");
    await r.write({ "outside/new.txt": "new\n" });
  },
  "a sparse index": async (r) => {
    await r.git("sparse-checkout", "set", "--cone", "--sparse-index", "other");
  },
  "a sparse index with a folder that exists again": async (r) => {
    await r.git("sparse-checkout", "set", "--cone", "--sparse-index", "other");
    await r.write({ "src/deep/a.cc": "int b;\n", "src/new.cc": "int c;\n" });
  },
  "a sparse checkout with a file that exists again": async (r) => {
    await r.git("sparse-checkout", "set", "--no-cone", "/*", "!/src");
    await r.write({ "src/deep/a.cc": "int b;\n" });
  },
  "attributes of the repository itself": async (r) => {
    await r.write({ ".git/info/attributes": "*.txt text eol=crlf ident\n" });
    await writeAnew(r);
  },
  "attributes of the user": async (r) => {
    await mkdir(path.join(place.path, "config/git"), { recursive: true });
    await writeFile(path.join(place.path, "config/git/attributes"), "*.txt text eol=crlf\n");
    await r.write({ "new.txt": "new\r\n" });
  },
  "replaced objects": async (r) => {
    const [one, other] = [await r.git("rev-parse", "HEAD:lf.txt"), await r.git("rev-parse", "HEAD:crlf.txt")];
    await r.git("replace", one, other);
  },
};

it.each(Object.entries(STATES))("sends what is on the disk to a worker: %s", async (name, change) => {
  const repository = await makeFiles();
  if (name !== JUST_NOW) await trustIndex(repository);
  await change(repository);
  const before = await repository.everything();
  const expected = await readTree(repository.path);
  expect((await sendTree(repository.path)).files).toEqual(expected);
  expect((await sendTree(repository.path, { sharesDisk: false })).files).toEqual(expected);
  expect(await repository.everything()).toEqual(before);
});

it("reads a work tree whose git directory is elsewhere", async () => {
  const repository = await makeFiles({ "core.autocrlf": "true" });
  const elsewhere = path.join(place.path, "elsewhere.git");
  await repository.git("init", "--quiet", "--separate-git-dir", elsewhere);
  await writeAnew(repository);
  await repository.write({ "lf.txt": "changed\n" });
  expect((await sendTree(repository.path)).files).toEqual(await readTree(repository.path));
  const worktree = path.join(place.path, "worktree");
  await repository.git("worktree", "add", "--quiet", worktree);
  await writeFile(path.join(worktree, "lf.txt"), "of the other one\n");
  await repository.git("config", "extensions.worktreeConfig", "true");
  expect((await sendTree(worktree)).files).toEqual(await readTree(worktree));
});

it("reads a work tree that core.worktree names", async () => {
  const repository = await makeFiles();
  const moved = path.join(place.path, "moved");
  await cp(repository.path, moved, { recursive: true, verbatimSymlinks: true });
  await rm(path.join(moved, ".git"), { recursive: true });
  await writeFile(path.join(moved, ".git"), `gitdir: ${repository.path}/.git\n`);
  await repository.git("config", "core.worktree", moved);
  await writeFile(path.join(moved, "lf.txt"), "of the other place\n");
  expect((await sendTree(moved)).files).toEqual(await readTree(moved));
});

it("reads a repository of SHA-256", async () => {
  await using some = await makeRepository();
  const top = path.join(place.path, "sha256");
  await some.git("init", "--quiet", "--object-format=sha256", top);
  const repository: Repository = { ...some, path: top, git: (...args) => some.git("-C", top, ...args) };
  await writeFiles(top);
  await symlink("lf.txt", path.join(top, "link"));
  await repository.git("add", "--all");
  await repository.git("commit", "--quiet", "--message=x");
  await writeFile(path.join(top, "lf.txt"), "changed\r\n");
  await writeFile(path.join(top, "new.txt"), "new\r\n");
  expect((await sendTree(top)).files).toEqual(await readTree(top));
});

it("checks out a commit byte for byte", async () => {
  const config = { "core.autocrlf": "true", "filter.rot.smudge": ROT_13, "filter.rot.clean": ROT_13 };
  const repository = await makeFiles();
  for (const [name, value] of Object.entries(config)) await repository.git("config", name, value);
  const committed = await readTree(repository.path);
  await repository.write({
    ".gitattributes": "*.txt filter=rot ident\n",
    ".git/info/attributes": "* eol=crlf\n",
  });
  await repository.git("add", ".gitattributes");
  await repository.git("commit", "--quiet", "--message=attributes");
  committed.set(".gitattributes", "file *.txt filter=rot ident\n");
  const { files } = await sendTree(repository.path, { ref: "HEAD" });
  expect(files).toEqual(new Map([...committed].sort(([one], [other]) => (one < other ? -1 : 1))));
});
