import { chmod, mkdir, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { buildspec, inetLike, veinsLike } from "./projects.ts";
import { newSample, type Sample } from "./tool.ts";

/** A way in which a project says how it is built; each is the queue of examples/mm1. */
export interface ProjectShape {
  name: string;
  /** A project in a repository of its own, committed. */
  make: () => Promise<Sample>;
}

/** To add one: what turns the sample into it, before it is committed, and where its study is then. */
export const PROJECT_SHAPES: readonly ProjectShape[] = [
  shape("an executable by its .oppbuildspec", (sample) => Promise.resolve(sample.study)),
  shape("a library by its .oppbuildspec", async (sample) => {
    await sample.write({
      ".oppbuildspec":
        '<buildspec version="4.0"><dir makemake-options="--make-so --deep -o mm1" path="src" type="makemake"/></buildspec>\n',
    });
    return sample.study;
  }),
  shape("an executable by the Makefile of opp_makemake, which git ignores", flatten),
  shape("a library with features, as INET", async (sample) => {
    const { "src/unused/Unused.ned": _, "examples/one/omnetpp.ini": __, ...files } = await inetLike("shape");
    await sample.write({ ...files, ".nedfolders": "src\nsimulations\n" });
    return sample.study;
  }),
  shape("a library by ./configure, as Veins", async (sample) => {
    const { configure, Makefile, ".gitignore": ignored } = await veinsLike();
    await sample.write({ configure: configure!, Makefile: Makefile!, ".gitignore": ignored! });
    await sample.write({ ".oppbuildspec": buildspec("src", "--make-so --deep -o road -O out") });
    await chmod(path.join(sample.path, "configure"), 0o755);
    return sample.study;
  }),
  shape("one that needs another project", async (sample) => {
    await mkdir(path.join(sample.path, "queue"));
    for (const name of ["src", ".nedfolders", ".oppbuildspec"])
      await rename(path.join(sample.path, name), path.join(sample.path, "queue", name));
    await mkdir(path.join(sample.path, "cell"));
    await rename(sample.study, path.join(sample.path, "cell/simulations"));
    await sample.write({
      "queue/.oppbuildspec": buildspec("src", "--make-so --deep -o queue"),
      "queue/.nedfolders": "src\n",
      "cell/swarm.json": '{ "uses": ["queue"], "nedFolders": ["simulations"] }',
    });
    return path.join(sample.path, "cell/simulations");
  }),
];

/** @param change returns the study. */
function shape(name: string, change: (sample: Sample) => Promise<string>): ProjectShape {
  return {
    name,
    async make() {
      const sample = await newSample();
      const study = await change(sample);
      await sample.commit();
      return { ...sample, study };
    },
  };
}

/** All in one folder, as OMNeT++'s own samples. @returns the study. */
async function flatten(sample: Sample): Promise<string> {
  for (const folder of ["src", "simulations"]) {
    for (const file of await readdir(path.join(sample.path, folder)))
      await rename(path.join(sample.path, folder, file), path.join(sample.path, file));
  }
  for (const file of [".oppbuildspec", ".nedfolders"]) await rm(path.join(sample.path, file));
  await sample.write({
    Makefile: "#\n# This file was generated with the command:\n#  opp_makemake -f --deep -o mm1\n#\n",
    ".gitignore": "Makefile\nresults/\nmm1\nmm1_dbg\nout/\n",
  });
  return sample.path;
}
