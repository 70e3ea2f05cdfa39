import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startGitHost, type GitHost } from "../helpers/git-daemon.ts";
import { describeWithMongo } from "../helpers/mongo.ts";
import { doneOf, sentOf, startOtherMachine, type OtherMachine } from "../helpers/other-machine.ts";
import { PROJECT_SHAPES } from "../helpers/project-shapes.ts";
import type { Sample } from "../helpers/tool.ts";

/** A state in which a checkout may be, and what of it has to be sent to machines that can only reach its remote. */
interface CheckoutState {
  name: string;
  /** With a remote that everybody can read, to which the first commit was pushed. */
  remote: boolean;
  /** What is in the first commit besides. */
  prepare?: (sample: Sample) => Promise<unknown>;
  change: (sample: Sample) => Promise<unknown>;
  /** The config that is run: `Fresh` is there only where the change is. */
  config: "Quick" | "Fresh";
  /** Files that differ from the commit; undefined where nothing is sent. */
  sent?: string[];
}

const fresh = async (sample: Sample): Promise<void> => {
  const ini = path.join(sample.study, "omnetpp.ini");
  await writeFile(ini, `${await readFile(ini, "utf8")}\n${FRESH}`);
};
const includeFresh = async (sample: Sample): Promise<void> => {
  const ini = path.join(sample.study, "omnetpp.ini");
  await writeFile(ini, `${await readFile(ini, "utf8")}\ninclude fresh.ini\n`);
  await sample.commit();
};
const FRESH = "[Config Fresh]\nextends = Quick\n";
const writeInStudy = (name: string, text: string) => (sample: Sample) =>
  writeFile(path.join(sample.study, name), text);

const STATES: readonly CheckoutState[] = [
  { name: "clean and pushed", remote: true, change: () => Promise.resolve(), config: "Quick" },
  {
    name: "with a commit that is not pushed",
    remote: true,
    change: async (sample) => {
      await fresh(sample);
      await sample.commit();
    },
    config: "Fresh",
    sent: [],
  },
  { name: "with a changed file", remote: true, change: fresh, config: "Fresh", sent: ["omnetpp.ini"] },
  {
    name: "with a new file",
    remote: true,
    prepare: includeFresh,
    change: writeInStudy("fresh.ini", FRESH),
    config: "Fresh",
    sent: ["fresh.ini"],
  },
  { name: "without a remote", remote: false, change: () => Promise.resolve(), config: "Quick", sent: [] },
  { name: "without a remote, changed", remote: false, change: fresh, config: "Fresh", sent: ["omnetpp.ini"] },
];

describeWithMongo("on machines that have nothing of the project", () => {
  let machine: OtherMachine;
  let host: GitHost;
  let cells = 0;

  beforeAll(async () => {
    [machine, host] = await Promise.all([startOtherMachine(), startGitHost()]);
  });
  afterAll(async () => {
    await machine[Symbol.asyncDispose]();
    await host[Symbol.asyncDispose]();
  });

  describe.each(PROJECT_SHAPES)("$name", ({ make }) => {
    it.each(STATES)("$name", async ({ remote, prepare, change, config, sent }) => {
      await using sample = await make();
      const cell = `cell${cells++}`;
      await sample.commit({ "cell.txt": cell }); // or the swarm would know the content from another one
      await prepare?.(sample);
      if (remote) {
        await sample.git("remote", "add", "origin", host.url);
        await sample.git("push", "--quiet", "origin", `HEAD:refs/heads/${cell}`);
      }
      await change(sample);
      const before = await sample.everything();
      const events = await machine.campaign(sample.study, config);
      expect(doneOf(events)).toBe(1);
      expect(events.filter(({ type }) => type === "warning")).toEqual([]);
      expect(sentOf(events)?.changed.map((file) => path.basename(file))).toEqual(sent);
      const results = await readdir(path.join(sample.study, "results"));
      expect(results.filter((file) => file.endsWith(".sca"))).toHaveLength(1);
      expect(await sample.everything()).toEqual(before);
    });
  });
});
