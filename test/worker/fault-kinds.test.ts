import { expect, it } from "vitest";
import { UserError } from "../../src/errors.ts";
import { GitNotStarted } from "../../src/project/git/commands/not-started.ts";
import { MissingBuild } from "../../src/stores/build-store.ts";
import { asRefused, asUnreachable, asUserError } from "../../src/stores/mongo-errors.ts";
import { MissingSource } from "../../src/stores/source-store.ts";
import { isMachineFault, isOfServers, isOfStores } from "../../src/worker/tree/fault-kinds.ts";
import { FetchFailed } from "../../src/worker/tree/repositories.ts";
import { TreeLost } from "../../src/worker/tree/slot-tree.ts";

const mongo = (code: number, message: string): Error =>
  Object.assign(new Error(message), { name: "MongoServerError", code });

it.each<[error: unknown, kinds: { machine?: true; servers?: true; stores?: true }]>([
  [new UserError("cannot start src/model"), {}],
  [new TypeError("a bug of the worker"), { machine: true }],
  [new TreeLost("removed"), { machine: true }],
  [new GitNotStarted("git: command not found"), { machine: true }],
  [new FetchFailed("the git host does not answer"), { machine: true, servers: true }],
  [asRefused(mongo(8, "locked"), "MongoDB"), { machine: true, servers: true }],
  [asUserError(mongo(18, "Authentication failed."), "MongoDB"), { machine: true, servers: true }],
  [asUnreachable(mongo(11600, "shutting down"), "MongoDB"), { machine: true, servers: true }],
  [new MissingBuild("key"), { machine: true, servers: true, stores: true }],
  [new MissingSource("tree"), { machine: true, servers: true, stores: true }],
])("distinguishes a fault of a run from those of machines, servers and stores: %s", (error, kinds) => {
  expect({ machine: isMachineFault(error), servers: isOfServers(error), stores: isOfStores(error) }).toEqual({
    machine: false,
    servers: false,
    stores: false,
    ...kinds,
  });
});
