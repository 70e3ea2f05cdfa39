import { defineConfig } from "vitest/config";
import process from "node:process";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** They take longest, so they begin first; the others go by what vitest remembers of them, or by their size. */
const LONGEST = [
  "differential/directory-store",
  "differential/gridfs-store",
  "docker/three-nodes",
  "faults/faults",
  "docker/swarm",
  "aws/whole-life",
  "aws/trouble",
  "aws/life",
  "services/local-swarm",
  "services/trouble",
  "services/shells",
  "services/under-fire",
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const index = LONGEST.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
      return index < 0 ? LONGEST.length : index;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: process.env["LONG_TESTS"] === "1" ? [] : ["test/long/**"],
    // Most tests wait for processes most of the time, so more files than processors go side by side.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    testTimeout: 240_000,
    hookTimeout: 240_000,
    restoreMocks: true,
    expect: { poll: { timeout: 30_000 } }, // on a busy machine a second is nothing
  },
});
