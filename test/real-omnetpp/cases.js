import path from "node:path";
import { ROOT } from "../../scripts/setup.js";

/** @import { Project } from "./projects.js" */

/**
 * A parameter study that is executed both ways.
 * @typedef {object} Case
 * @property {string} name
 * @property {Project} project
 * @property {string} study its folder within the project.
 * @property {readonly string[]} program how OMNeT++'s own tools start the simulation.
 * @property {readonly string[]} swarmProgram the same on the command line of `runall-swarm`.
 * @property {readonly string[]} args of the simulation, the same for both.
 * @property {string} config
 * @property {boolean} [sharedNames] its runs write files of the same names.
 * @property {boolean} [batchesDiffer] the results of a run depend on the runs before it in the same process.
 */

/** Options that one side must add: opp_runall the first, runall-swarm those of src/omnetpp/added-options.ts. */
export const ADDED_OPTIONS = [
  "cmdenv-redirect-output",
  "cmdenv-express-mode",
  "cmdenv-progress-updates",
  "cmdenv-status-frequency",
  "cmdenv-interactive",
];

/**
 * @param {NodeJS.ProcessEnv} env `ALOHA_PROJECT`: OMNeT++'s samples/aloha, built; `INET_PROJECT`: INET, built.
 * @returns {{ cases: Case[], skipped: string[] }}
 */
export function findCases(env) {
  /** @type {Case[]} */
  const cases = [sampleCase()];
  const skipped = [];
  if (env["ALOHA_PROJECT"]) cases.push(alohaCase(path.resolve(env["ALOHA_PROJECT"])));
  else skipped.push("aloha: set ALOHA_PROJECT to the folder samples/aloha of OMNeT++");
  if (env["INET_PROJECT"]) cases.push(...inetCases(path.resolve(env["INET_PROJECT"])));
  else skipped.push("INET's nclients and ber: set INET_PROJECT to the folder of INET");
  return { cases, skipped };
}

/** @returns {Case} our own sample project, which the swarm builds */
function sampleCase() {
  return {
    name: "mm1",
    project: {
      source: path.join(ROOT, "examples", "mm1"),
      kind: "folder",
      build: { folder: "src", makemake: ["-f", "--deep", "-o", "mm1"] },
      products: [],
    },
    study: "simulations",
    program: ["../src/mm1", "-n", "../src:."],
    swarmProgram: [],
    config: "Load",
    args: [],
  };
}

/** @param {string} source @returns {Case} */
function alohaCase(source) {
  return {
    name: "aloha",
    project: { source, kind: "folder", products: ["aloha"] },
    study: ".",
    program: ["./aloha"],
    swarmProgram: ["./aloha"],
    config: "PureAlohaExperiment",
    args: [],
  };
}

/** @param {string} source @returns {Case[]} */
function inetCases(source) {
  const library = `src/libINET.${process.platform === "darwin" ? "dylib" : "so"}`;
  /** @type {Project} */
  const project = {
    source,
    kind: "repository",
    products: [library],
    settings: [".oppfeaturestate", ".nedexclusions"],
  };
  // The arguments that INET's setenv passes to its own start script, which knows the library, NED folders and exclusions.
  const inet = { project, program: ["inet"], swarmProgram: [] };
  const recordPackets = [
    "--*.srv.numPcapRecorders=1",
    '--*.srv.pcapRecorder[0].pcapFile="results/server1.pcap"',
    '--**.crcMode="computed"',
    '--**.fcsMode="computed"',
    "--**.replyLength=17B+intWithUnit(exponential(2000B))", // INET cannot write shorter ones to a pcap
  ];
  return [
    {
      ...inet,
      name: "INET nclients",
      study: "examples/inet/nclients",
      config: "General",
      args: ["-f", "nclients2.ini", "--repeat=2", "--sim-time-limit=20s", ...recordPackets],
      sharedNames: true,
    },
    {
      ...inet,
      name: "INET ber",
      study: "examples/inet/ber",
      config: "ber-flavour-experiment",
      args: ["--sim-time-limit=0.2s"],
      // INET 4.5's ThroughputFilter starts at simTime(), which is the end of the process's previous run:
      // in a batch, the first values of the data rate vectors are wrong (negative).
      batchesDiffer: true,
    },
  ];
}
