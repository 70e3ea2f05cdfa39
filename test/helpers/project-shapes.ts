import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Repository } from "./git.ts";
import { buildspec, inetLike, newWorkspace, sampleLike, veinsLike, type Files } from "./projects.ts";

const MM1 = fileURLToPath(new URL("../../examples/mm1/", import.meta.url));

/** A study in a project of some shape. */
export interface ShapedProject extends Repository {
  study: string;
  /** Adds a config `Fresh`, whose first run takes a moment. */
  addConfig(file?: string): Promise<void>;
}

/** A way in which a project describes its build; each is the queue of examples/mm1. */
export interface ProjectShape {
  name: string;
  /** A config of its study. */
  config: string;
  make: () => Promise<ShapedProject>;
}

/** To add one: its files, and the folder of its study. */
export const PROJECT_SHAPES: readonly ProjectShape[] = [
  shape("an executable by its .oppbuildspec", "simulations", "Quick", mm1),
  shape("all in one folder, with a Makefile of opp_makemake that git ignores", "", "General", async () => ({
    ...(await sampleLike()),
    Makefile: "#\n# This file was generated with the command:\n#  opp_makemake -f --deep -o queue\n#\n",
  })),
  shape("a library with features and a setenv script, as INET", "examples/one", "General", () =>
    inetLike("matrix"),
  ),
  shape("a library that is configured first, as Veins", "examples/road", "General", veinsLike),
  shape("one that needs another project of the repository", "cell/simulations", "Quick", needing),
];

const FRESH = "[Config Fresh]\nsim-time-limit = 100s\n";

function shape(name: string, folder: string, config: string, files: () => Promise<Files>): ProjectShape {
  return {
    name,
    config,
    async make() {
      const workspace = await newWorkspace();
      const repository = await workspace.add("model", await files());
      const study = path.join(repository.path, folder);
      return {
        ...repository,
        study,
        async addConfig(file = "omnetpp.ini") {
          const ini = path.join(study, file);
          const before = await readFile(ini, "utf8").catch(() => ""); // a new one
          await writeFile(ini, `${before}\n${FRESH}`);
        },
        [Symbol.asyncDispose]: () => workspace[Symbol.asyncDispose](),
      };
    },
  };
}

/** The sample as in this checkout. */
async function mm1(): Promise<Files> {
  const entries = await readdir(MM1, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const contents = files.map(async ({ parentPath, name }) => {
    const file = path.join(parentPath, name);
    return [path.relative(MM1, file), await readFile(file, "utf8")] as const;
  });
  return Object.fromEntries(await Promise.all(contents));
}

/** The queue as a library, and its study in a project that uses it. */
async function needing(): Promise<Files> {
  const files = Object.entries(await mm1()).map(([file, content]) => {
    return [`${file.startsWith("simulations/") ? "cell" : "queue"}/${file}`, content];
  });
  return {
    ...(Object.fromEntries(files) as Files),
    "queue/.oppbuildspec": buildspec("src", "--make-so --deep -o queue"),
    "queue/.nedfolders": "src\n",
    "cell/swarm.json": '{ "uses": ["queue"], "nedFolders": ["simulations"] }\n',
  };
}
