import path from "node:path";
import { openSourceDirectory } from "../../src/stores/source-store.ts";
import { Repositories } from "../../src/worker/tree/repositories.ts";

/** The repositories of a worker of this machine, below a directory. */
export function repositoriesIn(directory: string): Repositories {
  const sources = openSourceDirectory(path.join(directory, "sources"));
  return new Repositories(path.join(directory, "repositories"), sources);
}
