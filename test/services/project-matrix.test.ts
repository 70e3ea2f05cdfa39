import { appendFile, readdir } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startGitHost, type GitHost } from "../helpers/git-daemon.ts";
import { describeWithMongo } from "../helpers/mongo.ts";
import { doneOf, sentOf, startOtherMachine, type OtherMachine } from "../helpers/other-machine.ts";
import { PROJECT_SHAPES, type ShapedProject } from "../helpers/project-shapes.ts";

/** A state of a checkout, and what of it must be sent to machines that can only reach its remote. */
interface CheckoutState {
  name: string;
  /** With a remote that everybody can read, to which the first commit was pushed. */
  remote: boolean;
  /** Further content of the first commit. */
  prepare?: (project: ShapedProject) => Promise<unknown>;
  /** Adds the config `Fresh`, which is then executed: it exists only with the change. */
  change?: (project: ShapedProject) => Promise<unknown>;
  /** Files that differ from the commit; undefined if nothing is sent. */
  sent?: string[];
}

const addConfig = (project: ShapedProject): Promise<void> => project.addConfig();

const STATES: readonly CheckoutState[] = [
  { name: "clean and pushed", remote: true },
  {
    name: "with a commit that is not pushed",
    remote: true,
    change: async (project) => {
      await project.addConfig();
      await project.commit();
    },
    sent: [],
  },
  { name: "with a changed file", remote: true, change: addConfig, sent: ["omnetpp.ini"] },
  {
    name: "with a new file",
    remote: true,
    prepare: async (project) => {
      await appendFile(path.join(project.study, "omnetpp.ini"), "\ninclude fresh.ini\n");
      await project.commit();
    },
    change: (project) => project.addConfig("fresh.ini"),
    sent: ["fresh.ini"],
  },
  { name: "without a remote", remote: false, sent: [] },
  { name: "without a remote, changed", remote: false, change: addConfig, sent: ["omnetpp.ini"] },
];

describeWithMongo("on machines that do not have the project", () => {
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

  describe.each(PROJECT_SHAPES)("$name", ({ make, config }) => {
    it.each(STATES)("$name", async ({ remote, prepare, change, sent }) => {
      await using project = await make();
      const cell = `cell${cells++}`;
      await project.commit({ "cell.txt": cell }); // else the swarm would know the content from another one
      await prepare?.(project);
      if (remote) {
        await project.git("remote", "add", "origin", host.url);
        await project.git("push", "--quiet", "origin", `HEAD:refs/heads/${cell}`);
      }
      await change?.(project);
      const before = await project.everything();
      const events = await machine.campaign(project.study, change === undefined ? config : "Fresh");
      expect(doneOf(events)).toBe(1);
      expect(events.filter(({ type }) => type === "warning")).toEqual([]);
      expect(sentOf(events)?.changed.map((file) => path.basename(file))).toEqual(sent);
      const results = await readdir(path.join(project.study, "results"));
      expect(results.filter((file) => file.endsWith(".sca"))).toHaveLength(1);
      expect(await project.everything()).toEqual(before);
    });
  });
});
