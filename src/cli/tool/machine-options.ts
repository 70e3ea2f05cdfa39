import { Option, type Command as Program } from "commander";
import type { MachineChange, ResumeOptions } from "../../providers/provider.ts";
import { oneOf } from "../terminal/one-of.ts";
import { wholeNumber } from "../terminal/whole-number.ts";

/** Values of IdleMinutes in cloudformation/swarm.yaml. */
export const IDLE_MINUTES = [
  ...["10", "15", "20", "30", "45", "60", "90", "120", "180", "240", "480", "720", "1440"],
];
/** Bounds of MaxHours, and of VolumeSize in GiB, in cloudformation/swarm.yaml. */
export const MAX_HOURS = [1, 168] as const;
export const VOLUME_GIB = [10, 16_000] as const;

export interface MachineFlags {
  workers?: number;
  instanceType?: string;
  managerType?: string;
  spot?: true;
  onDemand?: true;
  volumeSize?: number;
  maxHours?: number;
  idleMinutes?: string;
  latestImage?: true;
}

/** Names of these options, as commander has them. */
export const MACHINE_OPTIONS: readonly (keyof MachineFlags)[] = [
  ...(["workers", "instanceType", "managerType", "spot", "onDemand"] as const),
  ...(["volumeSize", "maxHours", "idleMinutes", "latestImage"] as const),
];

/** Adds the options of `swarm-tool resume` that change the machines of a halted swarm on AWS. */
export function addMachineOptions(command: Program): Program {
  return command
    .optionsGroup("On AWS, for the machines from now on (default: as before):")
    .option("--workers <n>", "number of workers", wholeNumber(0, 100))
    .option("--instance-type <type>", "instance type of the workers")
    .option("--manager-type <type>", "instance type of the manager")
    .addOption(new Option("--spot", "use spot instances as workers").conflicts("onDemand"))
    .option("--on-demand", "use on-demand instances as workers")
    .option("--volume-size <GiB>", "enlarge the volume for the queue and results", wholeNumber(...VOLUME_GIB))
    .option("--max-hours <n>", "halt after this many hours, even if busy", wholeNumber(...MAX_HOURS))
    .addOption(
      new Option("--idle-minutes <n>", "halt after this many minutes idle, 10 to 1440").argParser(
        oneOf(IDLE_MINUTES),
      ),
    )
    .option("--latest-image", "use the latest image, also if nothing else changes")
    .optionsGroup("Options:");
}

/** Returns the provider's options for the flags of `swarm-tool resume`. */
export function resumeOptions(flags: MachineFlags): ResumeOptions {
  const { workers, instanceType, managerType, spot, onDemand, latestImage, ...more } = flags;
  const market = spot ?? (onDemand && false);
  const machines: MachineChange = {
    ...(instanceType !== undefined && { instanceType }),
    ...(managerType !== undefined && { managerType }),
    ...(market !== undefined && { spot: market }),
    ...(more.volumeSize !== undefined && { volumeGiB: more.volumeSize }),
    ...(more.maxHours !== undefined && { maxHours: more.maxHours }),
    ...(more.idleMinutes !== undefined && { idleMinutes: Number(more.idleMinutes) }),
  };
  const isChange = latestImage === true || Object.keys(machines).length > 0;
  return { ...(workers !== undefined && { workers }), ...(isChange && { machines }) };
}
