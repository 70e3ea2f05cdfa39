import { execFile } from "node:child_process";
import { chmod, cp, mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { gitEnvironment } from "../helpers/git.ts";
import { commandArguments, iniFiles, resultBase } from "./ini.ts";
import { OPERATIONS } from "./operations.ts";
import { takePicture, type Picture } from "./picture.ts";
import { hasAbsolutePaths, type Shape } from "./shape.ts";

export interface Simulator {
  /** Absolute: opp_run. */
  program: string;
  /** Arguments that load the model. */
  args: readonly string[];
  env: Readonly<Record<string, string>>;
}

/** A checkout with a study, and everything else that its runs may reach. */
export interface World {
  shape: Shape;
  /** Absolute; the checkout is `up/checkout` below it. */
  top: string;
  study: string;
  /** A folder outside of the study, through which runs and test communicate. */
  signals: string;
  /** Arguments of the command, without the program. */
  args(config: string): string[];
  /** For the client only. */
  env: Record<string, string>;
}

const NED = path.resolve(import.meta.dirname, "../../examples/mm1/src");

/** Creates a world in an empty folder. */
export async function makeWorld(shape: Shape, place: string, simulator: Simulator): Promise<World> {
  const top = path.join(place, "world");
  const checkout = path.join(top, "up/checkout");
  const study = path.join(checkout, "study");
  const signals = path.join(place, "signals");
  const inWorld = (name: string): string => path.join(checkout, name);
  for (const folder of [signals, path.join(top, "absolute"), path.join(top, "elsewhere")])
    await mkdir(folder, { recursive: true });
  for (const folder of ["study/sub", "study/existing-empty", "common", "study/store", "study/sub/store"])
    await mkdir(inWorld(folder), { recursive: true });
  await cp(NED, inWorld("study/ned"), {
    recursive: true,
    filter: (file) => !/\.(?:cc|h|so)$|out$/.test(file),
  });
  const files = {
    ...iniFiles(shape, top),
    "study/sim": wrapper(shape, simulator, signals),
    "study/tracked.input": "tracked\n",
    "study/victim.input": "victim\n",
    "study/store/.keep": "",
    "study/sub/store/.keep": "",
    "common/notes.txt": "about the study\n",
    ...(shape.ignored && { ".gitignore": IGNORED }),
  };
  for (const [name, content] of Object.entries(files)) await writeFile(inWorld(name), content);
  await chmod(inWorld("study/sim"), 0o755);
  for (const folder of ["study", "study/sub"]) {
    await symlink("store", inWorld(`${folder}/linked`));
    await symlink(path.join(top, "elsewhere"), inWorld(`${folder}/away`));
  }
  await writeFile(path.join(top, "up/user.txt"), "a file of the user's\n");
  await commit(checkout, shape);
  await writeFile(inWorld("study/untracked.input"), "untracked\n");
  const env: Record<string, string> = shape.git.includes("environment")
    ? { GIT_DIR: inWorld(".git"), GIT_INDEX_FILE: inWorld(".git/other-index"), GIT_PREFIX: "study/" }
    : {};
  return { shape, top, study, signals, args: (config) => commandArguments(shape, config, top), env };
}

const IGNORED = ["results/", "*.sca", "*.vec", "*.vci", "*.out", "*.elog", "*.csv", ""].join("\n");

/** Makes the files on disk differ from what git would check out, in every possible way. */
async function commit(checkout: string, { git: settings }: Shape): Promise<void> {
  const git = async (...args: string[]): Promise<unknown> =>
    promisify(execFile)("git", args, { cwd: checkout, env: gitEnvironment });
  const inStudy = (name: string, content: string): Promise<void> =>
    writeFile(path.join(checkout, "study", name), content);
  const has = (setting: Shape["git"][number]): boolean => settings.includes(setting);
  await git("init", "--quiet", "--initial-branch=main");
  if (has("attributes"))
    await writeFile(
      path.join(checkout, ".gitattributes"),
      "*.input ident\ncrlf.input text eol=crlf\nwide.input text working-tree-encoding=UTF-16LE\n",
    );
  if (has("filter")) {
    await writeFile(path.join(checkout, ".gitattributes"), "filtered.input filter=upper\n");
    await git("config", "filter.upper.clean", "tr a-z A-Z");
    await git("config", "filter.upper.smudge", "tr A-Z a-z");
  }
  if (has("file-mode")) await git("config", "core.fileMode", "false");
  await inStudy("ident.input", "$Id$\n");
  await inStudy("crlf.input", "one\r\ntwo\r\n");
  await inStudy("lf.input", "one\ntwo\n");
  await inStudy("wide.input", Buffer.from("wide\n", "utf16le").toString("latin1"));
  await inStudy("filtered.input", "Mixed\n");
  await inStudy("mode.input", "mode\n");
  if (has("sparse")) {
    await mkdir(path.join(checkout, "unused"));
    await writeFile(path.join(checkout, "unused/large.dat"), "not on the disk\n");
  }
  await git("add", "--all");
  await git("commit", "--quiet", "--message=A study");
  if (has("autocrlf")) await git("config", "core.autocrlf", "true");
  if (has("file-mode")) await chmod(path.join(checkout, "study/mode.input"), 0o755);
  if (has("attributes")) await inStudy("crlf.input", "one\ntwo\n");
  if (has("sparse")) await git("sparse-checkout", "set", "study", "common");
  for (const hook of has("hooks") ? ["post-checkout", "post-index-change", "reference-transaction"] : []) {
    const script = path.join(checkout, ".git/hooks", hook);
    await writeFile(script, `#!/bin/sh\necho ${hook} >> '${path.dirname(checkout)}/hooks'\n`, {
      mode: 0o755,
    });
  }
  for (const flag of ["skip-worktree", "assume-unchanged"] as const) {
    if (!has(flag)) continue;
    await git("update-index", `--${flag}`, "study/tracked.input", "study/lf.input");
    await inStudy("lf.input", "changed where git does not look\n");
  }
}

/** The study's program: the additional actions of runs, and the simulator. */
function wrapper(shape: Shape, { program, args, env }: Simulator, signals: string): string {
  const during = (when: "before" | "after"): string =>
    shape.operations
      .filter((each) => each.when === when)
      .map(({ name, runs }) => {
        const { script } = OPERATIONS[name]!;
        return `${runs === "all" ? "" : `[ "$r" = ${runs} ] && `}{ ${script}\n}\n`;
      })
      .join("");
  const exports = Object.entries(env).map(([name, value]) => `export ${name}='${value}'\n`);
  return `#!/bin/sh
q= r= c= previous=
for a in "$@"; do
  case $previous in -c) c=$a;; -r) r=$a;; esac
  case $a in -q*|-e*|-v|-a|-h*) q=1;; esac
  previous=$a
done
${exports.join("")}simulate() { '${program}' ${args.map((arg) => `'${arg}'`).join(" ")} "$@"; }
[ -n "$q" ] && { simulate "$@"; exit; }
n=$c-$r R='${resultBase(shape)}'
echo "$n" >> '${signals}/executed'
if rm '${signals}/armed' 2>&-; then
  : > '${signals}/started'
  read -r _ < '${signals}/go'
fi
${shape.operations.length > 0 ? 'mkdir -p "$R"\n' : ""}${during("before")}simulate "$@"; code=$?
${during("after")}exit $code
`;
}

/** Stores a copy of a world, to be restored at the same place. */
export async function keepWorld({ top }: World, name = "kept"): Promise<() => Promise<void>> {
  const kept = `${top}.${name}`;
  await promisify(execFile)("cp", ["-a", top, kept]);
  return async () => {
    const gone = `${top}.gone`;
    await rename(top, gone);
    await promisify(execFile)("chmod", ["-R", "u+rwX", gone]);
    await rm(gone, { recursive: true });
    await promisify(execFile)("cp", ["-a", kept, top]);
  };
}

/** All entries of a world. */
export function pictureOf({ shape, top, study }: World): Picture {
  const iniFolder = shape.ini === "folder" ? path.join(study, "sub") : study; // a mapped result-dir is relative to it
  return takePicture(top, hasAbsolutePaths(shape) ? iniFolder : undefined);
}
