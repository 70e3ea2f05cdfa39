import { afterAll, beforeAll } from "vitest";
import { describeWithService } from "../helpers/services.ts";
import { mustRun } from "../helpers/swarm.ts";
import { newUser, type User } from "../helpers/tool.ts";
import type { Operation } from "./shape.ts";
import { testKnown } from "./suite.ts";

const does = (name: string): { operations: Operation[] } => ({
  operations: [{ name, runs: "all", when: "after" }],
});

describeWithService("redis-server", "what generated studies have shown", () => {
  let user: User;

  beforeAll(async () => {
    user = await newUser();
    await mustRun(user, ["init", "--local", "--runners", "2"]);
  });
  afterAll(() => user[Symbol.asyncDispose]());

  testKnown(() => user, {
    "configs with records of their own write the same file": {
      configs: 2,
      repeat: 2,
      resultDirectory: "perRunAbsolute",
      namedIn: "config",
      vectors: "noDot",
    },
    "what a run prints is in a folder behind a link": {
      resultDirectory: "linked",
      namedIn: "arguments",
      scalars: "own",
      vectors: "own",
      ignored: false,
    },
    "a local run has left a name that is not UTF-8": {
      operations: [{ name: "notUtf8", runs: 1, when: "before" }],
      before: "local",
      ignored: false,
    },
    "a run fails again after the user has changed its input": {
      configs: 2,
      iterated: true,
      resultDirectory: "farAbove",
      namedIn: "config",
      vectors: "shared",
      operations: [
        { name: "inputs", runs: "all", when: "before" },
        { name: "fifo", runs: 1, when: "after" },
        { name: "longPath", runs: 1, when: "after" },
      ],
      before: "swarm",
    },
    "a link is written again whose target exists": { ...does("link"), before: "local" },
    "the folder of the output exists during the run": {
      ...does("list"),
      ini: "folder",
      output: "own",
    },
    "no folder of the output exists if it is not redirected": {
      ...does("list"),
      ini: "folder",
      output: "own",
      redirect: "arguments false",
    },
    "host and process id are in the name of the output": { output: "own", appendHost: true },
    "a mapped output file is relative to the current directory": { ini: "folder", output: "absolute" },
    "a local run has left files in a folder behind a link": {
      resultDirectory: "linked",
      namedIn: "arguments",
      operations: [{ name: "hardLinks", runs: 0, when: "before" }],
      before: "local",
    },
    "a name that is not UTF-8 reaches no later run": {
      ini: "folder",
      configs: 2,
      repeat: 2,
      iterated: true,
      resultDirectory: "deep",
      namedIn: "config",
      operations: [{ name: "notUtf8", runs: 1, when: "after" }],
      before: "edited",
      ignored: false,
    },
    "output files that a local run has left are no sources": {
      output: "shared",
      vectors: "own",
      before: "local",
      ignored: false,
    },
    "a file of a run that is repeated was edited meanwhile": {
      repeat: 2,
      operations: [{ name: "overwriteShared", runs: 0, when: "before" }],
      before: "edited",
      edit: "result",
    },
    "the index of vectors whose name has no dot is no source": {
      configs: 2,
      resultDirectory: "perRunAbsolute",
      vectors: "noDot",
      before: "local",
      ignored: false,
    },
    "outputs of a config with records elsewhere are no sources": {
      ...does("besideInCheckout"),
      configs: 2,
      resultDirectory: "perRunAbsolute",
      namedIn: "arguments",
      scalars: "quoted",
    },
  });
});
