import { chmod, mkdir, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import * as v from "valibot";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { UserError } from "../../src/errors.ts";
import {
  BuildManifestSchema,
  BuildRequestSchema,
  DependencySchema,
  SourceSchema,
} from "../../src/model/build.ts";
import { CampaignSchema } from "../../src/model/campaign.ts";
import { isPublicUrl, isRepositoryUrl, VersionSchema } from "../../src/model/git-names.ts";
import {
  AbsolutePathSchema,
  FolderNameSchema,
  ProjectNameSchema,
  RelativePathSchema,
} from "../../src/model/places.ts";
import { PROTOCOL } from "../../src/model/protocol.ts";
import { resolveCommit } from "../../src/project/git/commit.ts";
import { describeFolder } from "../../src/project/describe/descriptor.ts";
import { fetchDependency } from "../../src/project/describe/fetch-dependency.ts";
import { checkoutName, openCheckout } from "../../src/project/git/git.ts";
import { findOwnBuild } from "../../src/project/build/own-build.ts";
import { openSourceDirectory } from "../../src/stores/source-store.ts";
import { Repositories } from "../../src/worker/tree/repositories.ts";
import { someCampaign } from "../helpers/campaign.ts";
import { makeRepository } from "../helpers/git.ts";
import { temporaryDirectory, type TemporaryDirectory } from "../helpers/temporary.ts";

let place: TemporaryDirectory;
/** A program that leaves a trace when it is executed. */
let program: string;

beforeEach(async () => {
  place = await temporaryDirectory();
  program = path.join(place.path, "program.sh");
  await writeFile(program, `#!/bin/sh\necho "$*" >>"${place.path}/executed"\n`);
  await chmod(program, 0o755);
  vi.stubEnv("XDG_CACHE_HOME", path.join(place.path, "cache"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  expect(await readdir(place.path)).not.toContain("executed");
  await place[Symbol.asyncDispose]();
});

/** Addresses that would be an option or a command. */
const HOSTILE_URLS = [
  "--upload-pack=PROGRAM",
  "-oProxyCommand=PROGRAM",
  "ext::PROGRAM",
  "ext::sh -c PROGRAM",
  "fd::17",
  "transport::address",
  "ssh://-oProxyCommand=PROGRAM/x",
  "ssh://-oProxyCommand=PROGRAM@host/x",
  "-oProxyCommand=PROGRAM@host:x",
  "git@-oProxyCommand=PROGRAM:x",
  "host:-oProxyCommand=PROGRAM",
  "https://-x/y",
  "https://host/a b",
  "https://host/a\nb",
  "file://host/x",
  "file://-x",
  "../upstream",
  "",
];

const HOSTILE_VERSIONS = [
  "--upload-pack=PROGRAM",
  "-c",
  "--output=x",
  "v1:refs/heads/main",
  "+v1",
  "^v1",
  "v1 v2",
  "v1\nv2",
  "a..b",
  "v@{1}",
  "*",
  "",
];

describe("fetching a project", () => {
  const remote = { name: "model", url: "/srv/model.git", version: "v1", statedIn: "/p/swarm.json" };
  const expectRefused = async (values: Partial<typeof remote>, field: string): Promise<void> => {
    const said: string[] = [];
    const fetching = fetchDependency({ ...remote, ...values }, { say: (text) => said.push(text) });
    await expect(fetching).rejects.toThrow(UserError);
    await expect(fetching).rejects.toThrow(`/p/swarm.json: the ${field} `);
    expect(said).toEqual([]);
    expect(await readdir(place.path)).not.toContain("cache");
  };
  const filled = (text: string): string => text.replace("PROGRAM", program);

  it.each(HOSTILE_URLS)("refuses the URL %s", async (url) => expectRefused({ url: filled(url) }, "url"));
  it.each(HOSTILE_VERSIONS)("refuses the version %s", async (version) =>
    expectRefused({ version: filled(version) }, "version"),
  );
  it.each(["../x", "-x", "a/b", "..", ""])("refuses the name %s", async (name) =>
    expectRefused({ name }, "name"),
  );

  it.each([
    [`[submodule "x"]\n\tpath = x\n\turl = ext::PROGRAM\n`],
    [`[submodule "x"]\n\tpath = x\n\turl = -oProxyCommand=PROGRAM\n`],
    [`[submodule "x"]\n\tpath = -x\n\turl = https://127.0.0.1:1/x\n`],
    [`[submodule "x"]\n\tpath = x\n\turl = /srv/x\n\tupdate = !PROGRAM\n`],
    [`[submodule "../../x"]\n\tpath = x\n\turl = https://127.0.0.1:1/x\n`],
  ])("executes no command of its submodules: %j", async (modules) => {
    const upstream = await makeRepository(
      { "a.cc": "", ".gitmodules": modules.replace("PROGRAM", program) },
      path.join(place.path, "upstream"),
    );
    await upstream.git("update-index", "--add", "--cacheinfo", `160000,${"1".repeat(40)},x`);
    await upstream.git("commit", "--quiet", "--message=x");
    await upstream.git("tag", "v1");
    vi.stubEnv("HOME", place.path);
    await writeFile(
      path.join(place.path, ".gitconfig"),
      `[protocol]\n\tallow = always\n[protocol "ext"]\n\tallow = always\n`,
    );
    await expect(fetchDependency({ ...remote, url: upstream.path })).rejects.toThrow(UserError);
  });

  it("uses the tag, but not the user's hooks and line-ending settings", async () => {
    const upstream = await makeRepository(
      { "a.txt": "a\n", "b.txt": "b\r\n" },
      path.join(place.path, "upstream"),
    );
    await upstream.git("tag", "v1");
    const hooks = path.join(place.path, "hooks");
    await mkdir(hooks);
    for (const hook of ["post-checkout", "reference-transaction", "post-index-change"])
      await writeFile(path.join(hooks, hook), `#!/bin/sh\n${program}\n`, { mode: 0o755 });
    await writeFile(
      path.join(place.path, ".gitconfig"),
      `[core]\n\thooksPath = ${hooks}\n\tautocrlf = true\n`,
    );
    vi.stubEnv("HOME", place.path);
    for (const name of ["GIT_CONFIG_GLOBAL", "GIT_DIR"]) vi.stubEnv(name, undefined);
    const top = await fetchDependency({ ...remote, url: `file://${upstream.path}` });
    expect((await openCheckout(top)).top).toBe(top);
    const fetched = await makeRepository({}, path.join(place.path, "other"));
    expect(await fetched.git("-C", top, "status", "--porcelain")).toBe("");
  });
});

it.each(HOSTILE_URLS.filter((url) => url !== ""))(
  "executes nothing on a worker for a source from %s",
  async (url) => {
    const source = { url: url.replace("PROGRAM", program), commit: "1".repeat(40) };
    expect(v.is(SourceSchema, source)).toBe(false);
    const store = openSourceDirectory(path.join(place.path, "sources"));
    await expect(
      new Repositories(path.join(place.path, "repositories"), store).open(source),
    ).rejects.toThrow();
  },
);

it.each(["--all", "--output=x", "-n1", "--upload-pack=x", "main..other", "^main", "", "\n", "HEAD\n--all"])(
  "treats %j as the name of a commit, and finds none",
  async (ref) => {
    const repository = await makeRepository({ "a.txt": "" }, path.join(place.path, "p"));
    const before = await repository.everything();
    await expect(resolveCommit(await openCheckout(repository.path), ref)).rejects.toThrow(
      `no commit ${ref} in`,
    );
    expect(await repository.everything()).toEqual(before);
  },
);

describe("what a project says of itself", () => {
  const describeFiles = async (files: Record<string, string>) => {
    const repository = await makeRepository(files, path.join(place.path, "p"));
    return await describeFolder(repository.path, repository.path);
  };
  const use = (entries: object) => ({ "swarm.json": JSON.stringify({ uses: [{ name: "x", ...entries }] }) });

  it.each([
    [
      use({ url: "ext::sh", version: "v1" }),
      /swarm\.json: uses\.0\.url: it is not the address of a git repository/,
    ],
    [
      use({ url: "/x", version: "--upload-pack=x" }),
      /swarm\.json: uses\.0\.version: it is neither a tag name/,
    ],
    [
      { "x.opp": 'SimulationProject(used_projects=["../../x"])\n' },
      /x\.opp needs a project named "\.\.\/\.\.\/x"/,
    ],
    [{ "x.opp": 'SimulationProject(used_projects=["-x"])\n' }, /x\.opp needs a project named "-x"/],
    [
      { ".nedfolders": "", ".project": "<projects><project>../../x</project></projects>" },
      /\.project needs a project named "\.\.\/\.\.\/x"/,
    ],
    [
      { ".oppbuildspec": '<dir makemake-options="-s" path="../../x" type="makemake"/>' },
      /builds in .*\/x, which is outside the checkout/,
    ],
  ])("refuses %j", async (files, message) => {
    await expect(describeFiles(files as Record<string, string>)).rejects.toThrow(message);
    await expect(describeFolder(path.join(place.path, "p"), path.join(place.path, "p"))).rejects.toThrow(
      UserError,
    );
  });

  it("does not accept a file outside the checkout as a binary", async () => {
    await writeFile(path.join(place.path, "secret"), "");
    const project = await describeFiles({
      ".oppbuildspec": '<dir makemake-options="-o ../secret" path="." type="makemake"/>',
    });
    const found = await findOwnBuild({
      top: path.join(place.path, "p"),
      project,
      mode: "release",
      tree: [],
      changed: [],
      sources: [],
    });
    expect(found).toEqual({
      ok: false,
      reason: `${path.join(place.path, "secret")} is outside the checkout`,
    });
  });
});

it("does not send a checkout in a folder whose name is an option", () => {
  expect(checkoutName({ top: "/home/u/inet" })).toBe("inet");
  for (const top of ["/home/u/-inet", "/"])
    expect(() => checkoutName({ top })).toThrow(`the folder name of the checkout ${top} is not usable`);
});

const HASH = "a".repeat(40);
const request = {
  protocol: PROTOCOL,
  source: { url: "https://example.org/a.git", commit: HASH },
  sourcesHash: "s",
  checkoutName: "inet",
  project: "",
  recipe: { kind: "make", folder: "src" },
  mode: "release",
  omnetpp: { version: "6.2.0" },
};
const dependency = {
  name: "inet",
  tree: HASH,
  checkoutName: "inet-4.5",
  project: "a/b",
  buildKey: "key",
  variable: "INET_ROOT",
  nedFolders: ["src"],
};
const campaign = someCampaign();

it.each([
  ["source", SourceSchema, { url: "git://host:9418/a.git", commit: HASH, base: "b".repeat(64) }],
  ["source", SourceSchema, { url: "/home/u/p/.git", commit: HASH }],
  ["build", BuildRequestSchema, request],
  ["dependency", DependencySchema, dependency],
  ["campaign", CampaignSchema, campaign],
])("accepts a %s", (_, schema, value) => expect(v.is(schema, value)).toBe(true));

const LEADING_OUT = ["../x", "..", "/x", "a/../../x", "a/..", "./a", "a/", "a//b", "a\0b"];
const NO_NAMES = ["..", ".", "", "a/b", "/", "-x"];

it.each([
  [
    "source.url",
    SourceSchema,
    { commit: HASH },
    "url",
    [...HOSTILE_URLS, "git@host:x", "/a/../b", "https://u:p@host/x"],
  ],
  [
    "source.commit",
    SourceSchema,
    {},
    "commit",
    ["--all", "main", "a".repeat(41), `${HASH}\n`, HASH.toUpperCase()],
  ],
  ["source.tree", SourceSchema, { commit: HASH }, "tree", ["../x", ""]],
  ["build.project", BuildRequestSchema, request, "project", LEADING_OUT],
  ["build.checkoutName", BuildRequestSchema, request, "checkoutName", NO_NAMES],
  [
    "build.recipe",
    BuildRequestSchema,
    request,
    "recipe",
    LEADING_OUT.map((folder) => ({ kind: "make", folder })),
  ],
  [
    "build.stateFiles",
    BuildRequestSchema,
    request,
    "stateFiles",
    [{ "../x": "" }, { "a/b": "" }, { "..": "" }],
  ],
  ["build.environment", BuildRequestSchema, request, "environment", [{ "A=B": "" }, { "-x": "" }]],
  ["dependency.name", DependencySchema, dependency, "name", ["../x", "a/b", "-x", "", "."]],
  ["dependency.checkoutName", DependencySchema, dependency, "checkoutName", NO_NAMES],
  ["dependency.project", DependencySchema, dependency, "project", LEADING_OUT],
  ["dependency.buildKey", DependencySchema, dependency, "buildKey", ["../x", "", "a/b"]],
  ["campaign.directory", CampaignSchema, campaign, "directory", ["x", "/a/../b", "/a/", "//a", ""]],
  ["campaign.study", CampaignSchema, campaign, "study", LEADING_OUT],
  ["campaign.project", CampaignSchema, campaign, "project", LEADING_OUT],
  ["campaign.checkoutName", CampaignSchema, campaign, "checkoutName", NO_NAMES],
  [
    "campaign.program",
    CampaignSchema,
    campaign,
    "program",
    LEADING_OUT.map((file) => ({ kind: "project", path: file })),
  ],
  ["campaign.commit", CampaignSchema, campaign, "commit", ["--all"]],
  [
    "manifest",
    BuildManifestSchema,
    { protocol: PROTOCOL, nedExclusions: [] },
    "products",
    LEADING_OUT.map((file) => [file]),
  ],
])("refuses values of %s from the queue that lead elsewhere", (_, schema, valid, field, values) => {
  for (const value of values)
    expect(v.is(schema, { ...valid, [field]: value }), JSON.stringify(value)).toBe(false);
});

it("accepts a valid address, version, name or path", () => {
  const urls = [
    "https://h/a",
    "http://[::1]:80/a",
    "git://h:1/a",
    "ssh://g@h:22/a",
    "g@h:a/b",
    "h:/a",
    "file:///a b",
    "/a b",
    "https://u:p@h/a",
  ];
  expect(urls.filter((url) => !isRepositoryUrl(url))).toEqual([]);
  expect(urls.filter(isPublicUrl)).toEqual(["https://h/a", "http://[::1]:80/a", "git://h:1/a"]);
  for (const version of ["v4.5.4", "1.0", HASH, "1234abc", "refs/tags/v1", "gr\u00fcn"])
    expect(v.is(VersionSchema, version)).toBe(true);
  for (const name of ["inet", "inet-4.5", "T\u00fcr 2", "veins_inet"])
    expect(v.is(ProjectNameSchema, name)).toBe(true);
  for (const file of ["", "a", "a/b c", "-x", "...", "a/.b"])
    expect(v.is(RelativePathSchema, file)).toBe(true);
  for (const file of ["/", "/a", "/a/b c"]) expect(v.is(AbsolutePathSchema, file)).toBe(true);
  for (const file of ["a", "a b", "...", ".a"]) expect(v.is(FolderNameSchema, file)).toBe(true);
});
