import { UserError } from "../../errors.ts";
import { CheckoutFailed } from "../../project/git/checkout.ts";
import { GitNotStarted } from "../../project/git/commands/not-started.ts";
import { MongoUnusable } from "../../stores/mongo-errors.ts";
import { MissingBuild } from "../../stores/build-store.ts";
import { MissingSource } from "../../stores/source-store.ts";
import { DiskFullError, isDiskFullError } from "../../system/disk.ts";
import { LockedError } from "../../system/lock.ts";
import { OtherOmnetpp } from "./omnetpp.ts";
import { FetchFailed } from "./repositories.ts";
import { TreeLost } from "./slot-tree.ts";

/** Errors that have a message for the user and are nevertheless not the fault of the job. */
const MACHINE_FAULTS = [
  MissingBuild,
  MissingSource,
  CheckoutFailed,
  FetchFailed,
  MongoUnusable,
  GitNotStarted,
  DiskFullError,
  LockedError,
  OtherOmnetpp,
  TreeLost,
];

/**
 * Returns whether an error is the fault of this machine, its servers or the stores, and not of the run. Any
 * other UserError, such as a program that cannot be started, ends the run.
 */
export function isMachineFault(error: unknown): boolean {
  const isKnown = MACHINE_FAULTS.some((kind) => error instanceof kind);
  return !(error instanceof UserError) || isKnown || isDiskFullError(error);
}

/** Returns whether a source or build is missing in the swarm's stores, which is the same on every machine. */
export function isOfStores(error: unknown): boolean {
  return error instanceof MissingBuild || error instanceof MissingSource;
}

/** Returns whether an error does not depend on this machine's files, so that removing them does not help. */
export function isOfServers(error: unknown): boolean {
  return isOfStores(error) || error instanceof FetchFailed || error instanceof MongoUnusable;
}
