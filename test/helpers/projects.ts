import { chmod, readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { makeRepository, type Repository } from "./git.ts";
import { temporaryDirectory } from "./temporary.ts";

const MM1 = fileURLToPath(new URL("../../examples/mm1/", import.meta.url));

/** Files of a project, by their paths. */
export type Files = Record<string, string>;

/** The sources of the sample project in a folder, so that the stand-in has a network to simulate. */
export async function mm1Sources(folder: string): Promise<Files> {
  const names = await readdir(path.join(MM1, "src"));
  const sources = names.filter((name) => /\.(ned|cc|h)$/.test(name));
  const entries = sources.map(
    async (name) =>
      [path.posix.join(folder, name), await readFile(path.join(MM1, "src", name), "utf8")] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}

/** A short study of that network; config `Other` uses one of another package. */
export const STUDY = `[General]
network = mm1.Mm1
sim-time-limit = 100s
*.source.arrivalRate = \${arrivalRate=0.3, 0.6}

[Config Other]
network = mm1.unused.Unused
`;

export function buildspec(folder: string, options: string): string {
  return `<buildspec version="4.0">\n    <dir makemake-options="${options}" path="${folder}" type="makemake"/>\n</buildspec>\n`;
}

/**
 * Like INET: a library, features that determine the packages, a Makefile that requires the setenv script.
 * @param name makes its sources differ from those of other tests, so that it is built for each.
 */
export async function inetLike(name: string): Promise<Files> {
  return {
    "src/name.h": `// ${name}\n`,
    ...(await mm1Sources("src")),
    "src/unused/Unused.ned": "package mm1.unused;\nnetwork Unused\n{\n}\n",
    ".gitignore": "/src/Makefile\n*.so\nout/\n.oppfeaturestate\n.nedexclusions\nresults/\n",
    ".nedfolders": "src\nexamples\n",
    ".oppbuildspec": buildspec("src", "--make-so --deep -o MODEL -O out"),
    ".oppfeatures": '<features cppSourceRoots="src"/>\n',
    setenv: 'export MODEL_ROOT=$(pwd)\n[ "$1" = -q ] || echo "the environment is ready"\n',
    Makefile: [
      "all:",
      "\t@cd src && $(MAKE)",
      "makefiles:",
      '\t@[ -n "$(MODEL_ROOT)" ] || { echo "source setenv first"; exit 1; }',
      "\t@touch .oppfeaturestate && cp .oppfeaturestate .nedexclusions",
      "\t@cd src && opp_makemake -f --make-so --deep -o MODEL -O out",
      "",
    ].join("\n"),
    "examples/one/omnetpp.ini": STUDY,
    "examples/package.ned": "package mm1.examples;\n",
  };
}

/** Like OMNeT++'s samples: everything in one folder, and possibly a Makefile that git ignores. */
export async function sampleLike(): Promise<Files> {
  return {
    ...(await mm1Sources("")),
    ".gitignore": "/Makefile\n/queue*\nout/\nresults/\n",
    "omnetpp.ini": STUDY,
  };
}

/** Like Veins: `./configure` writes the Makefile of the sources. */
export async function veinsLike(): Promise<Files> {
  return {
    ...(await mm1Sources("src/road")),
    ".gitignore": "/src/Makefile\n*.so\nout/\nresults/\n",
    ".nedfolders": "src/road\nexamples\n",
    ".oppbuildspec": buildspec("src", "--make-so --deep -o road -O out"),
    configure: [
      "#!/usr/bin/env python3",
      "import subprocess",
      'subprocess.check_call(["opp_makemake", "-f", "--make-so", "--deep", "-o", "road", "-O", "out"], cwd="src")',
      "",
    ].join("\n"),
    Makefile: [
      "all: src/Makefile",
      "\t@cd src && $(MAKE)",
      "makefiles:",
      '\t@echo "make makefiles is deprecated"; exit 1',
      "src/Makefile:",
      '\t@echo "run ./configure first"; exit 1',
      "",
    ].join("\n"),
    "examples/road/omnetpp.ini": STUDY,
    "examples/package.ned": "package mm1.examples;\n",
  };
}

/** Like Simu5G: a library of its own, networks, and another library from a project that the Makefile finds by its variable. */
export function simu5gLike(needs: string): Files {
  return {
    ".gitignore": "/src/Makefile\n*.so\nout/\nresults/\n",
    ".nedfolders": "src\nsimulations\n",
    ".oppbuildspec": buildspec("src", "--make-so --deep -o cell -O out -I. --meta:use-exported-libs"),
    ".project": `<projectDescription>\n\t<name>cell</name>\n\t<projects>\n\t\t<project>${needs}</project>\n\t</projects>\n</projectDescription>\n`,
    Makefile: [
      "all: makefiles",
      "\t@test -f $(MODEL_ROOT)/src/libMODEL.so",
      "\t@cd src && $(MAKE)",
      "makefiles:",
      "\t@cd src && opp_makemake -f --make-so --deep -o cell -O out -I$(MODEL_ROOT)/src -L$(MODEL_ROOT)/src -lMODEL",
      "",
    ].join("\n"),
    "src/Cell.cc": "// code\n",
    "src/Cell.ned": "package cell;\nsimple Cell\n{\n}\n",
    "src/package.ned": "package cell;\n",
    "simulations/omnetpp.ini": STUDY,
    "simulations/package.ned": "package cell.simulations;\n",
  };
}

/** A folder that contains repositories side by side, each under its name; `configure` scripts can be executed. */
export interface Workspace extends AsyncDisposable {
  path: string;
  add(name: string, files: Files): Promise<Repository>;
}

export async function newWorkspace(): Promise<Workspace> {
  const directory = await temporaryDirectory("swarm-projects-");
  return {
    path: directory.path,
    async add(name, files) {
      const repository = await makeRepository(files, path.join(directory.path, name));
      if ("configure" in files) {
        await chmod(path.join(repository.path, "configure"), 0o755);
        await repository.commit();
      }
      return repository;
    },
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
}
