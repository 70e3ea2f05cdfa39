import { breaches, evaluateAlarm, watchedValues, type Metrics, type Reading } from "../alarms/alarm-model.ts";
import type { AlarmTemplate, TemplateAlarm } from "../alarms/alarm-template.ts";
import { applyingSteps } from "../alarms/step-scaling.ts";
import { runPrograms } from "./machines.ts";
import type { Watchdogs } from "./watchdogs.ts";

export type Role = "manager" | "worker";
export type Way = "alarms" | "scheduled" | "watchdogs";

export interface Instance {
  id: string;
  role: Role;
  /** Minute. */
  launched: number;
  /** Its programs do not run any more, but AWS considers it healthy. */
  hangs: boolean;
  /** The services run on it, as a client has deployed them. */
  deployed: boolean;
  /** Minute of the last work, or of nobody knowing; for a worker, when it last reached a manager. */
  noted: number;
}

export interface Group {
  name: string;
  desired: number;
  instances: Instance[];
}

/** Something of the swarm that AWS has besides its groups, alarms and scheduled actions. */
export interface Thing {
  kind: "volume" | "address" | "snapshot" | "network" | "launch template" | "key pair" | "parameter";
  id: string;
}

export interface AccountOptions {
  template: AlarmTemplate;
  watchdogs: Watchdogs;
  reading: Reading;
  broken: ReadonlySet<Way>;
  /** Minutes of work for one worker. */
  work: number;
  /** What AWS cannot create or delete; undefined if all succeeds. */
  creationLeaves: readonly Thing[] | undefined;
  deletionLeaves: readonly Thing[] | undefined;
  /** Names in the template of the alarms, by their names. */
  alarmNames: Record<string, string>;
}

/** Minutes from the launch of a machine to its first programs, and between evaluations of alarms. */
const [BOOT, EVALUATED] = [3, 5];
const SIZE = {
  manager: "GroupInServiceInstances of ManagerGroup",
  worker: "GroupInServiceInstances of WorkerGroup",
};
const CPU = { manager: "CPUUtilization of ManagerGroup", worker: "CPUUtilization of WorkerGroup" };
export const BUSY = "Busy of SwarmName";
const ROLES = ["manager", "worker"] as const;

/** What AWS has of one swarm, in which time passes by minutes. */
export class Account {
  minute = 0;
  readonly options: AccountOptions;
  stack: { status: string } | undefined;
  groups: Record<Role, Group> | undefined;
  alarms: Record<string, { state: string; enabled: boolean; logicalId: string }> = {};
  /** Minutes at which groups are emptied, by names of groups and actions. */
  scheduled: Record<string, Record<string, number>> = {};
  things: Thing[] = [];
  work: number;
  /** Minute of the last request that starts machines or sets when they end. */
  lastWord = 0;
  /** Minute until which something was computed or reported, so that the swarm is not silent. */
  lastActivity = 0;
  /** Minute in which a machine was last launched as the manager. */
  managerLaunched = 0;
  readonly #metrics: Metrics = {};
  #launched = 0;

  constructor(options: AccountOptions) {
    this.options = options;
    this.work = options.work;
  }

  get running(): Instance[] {
    return ROLES.flatMap((role) => this.groups?.[role].instances ?? []);
  }

  /** Everything that costs money. */
  get billed(): string[] {
    const things = this.things.filter(({ kind }) => ["volume", "address", "snapshot"].includes(kind));
    return [...this.running.map(({ id }) => id), ...things.map(({ id }) => id), ...Object.keys(this.alarms)];
  }

  hasBooted({ launched, hangs }: Instance): boolean {
    return !hangs && this.minute >= launched + BOOT;
  }

  /** Lets a minute pass. */
  tick(): void {
    this.minute++;
    this.#runScheduled();
    for (const role of ROLES) this.#resize(role);
    runPrograms(this);
    this.#measure();
    if (this.minute % EVALUATED === 0) this.evaluateAlarms();
  }

  publish(metric: string, value: number, delay = 1): void {
    const series = (this.#metrics[metric] ??= []);
    series[this.minute] = { value, visibleFrom: this.minute + delay };
  }

  lastReport(): { minute: number; value: number } | undefined {
    const series = this.#metrics[BUSY] ?? [];
    const minute = series.findLastIndex((datapoint) => datapoint !== undefined);
    return minute < 0 ? undefined : { minute, value: series[minute]!.value };
  }

  /** CloudFormation creates everything, or rolls back to what it cannot delete. */
  createStack(swarm: string, workers: number, endsAt: number): void {
    const { creationLeaves, alarmNames } = this.options;
    if (creationLeaves !== undefined) {
      this.stack = { status: creationLeaves.length === 0 ? "ROLLBACK_COMPLETE" : "ROLLBACK_FAILED" };
      this.things.push(...creationLeaves);
      return;
    }
    this.stack = { status: "CREATE_COMPLETE" };
    const group = (role: Role, desired: number): Group => ({
      name: `swarm-${swarm}-${role}`,
      desired,
      instances: [],
    });
    this.groups = { manager: group("manager", 1), worker: group("worker", workers) };
    for (const role of ROLES) this.scheduled[this.groups[role].name] = { "template-end": Math.ceil(endsAt) };
    for (const [name, logicalId] of Object.entries(alarmNames))
      this.alarms[name] = { state: "INSUFFICIENT_DATA", enabled: true, logicalId };
    this.things.push(
      { kind: "volume", id: "vol-data" },
      { kind: "network", id: "vpc-1" },
      { kind: "launch template", id: "lt-1" },
    );
    this.things.push({ kind: "parameter", id: `/swarm/${swarm}/host-key` });
  }

  /** CloudFormation deletes everything that it has created, or all but what it cannot. */
  deleteStack(): void {
    const { deletionLeaves } = this.options;
    const own = this.things.filter(({ kind }) => kind === "key pair");
    this.groups = undefined;
    this.scheduled = {};
    this.alarms = {};
    this.things = [...own, ...(deletionLeaves ?? [])];
    this.stack = deletionLeaves === undefined ? undefined : { status: "DELETE_FAILED" };
  }

  setDesired(role: Role, desired: number): void {
    if (this.groups !== undefined) this.groups[role].desired = desired;
  }

  /** CloudWatch evaluates each alarm, and one that is in ALARM repeats its actions. */
  evaluateAlarms(): void {
    for (const alarm of Object.values(this.alarms)) {
      const rule = this.options.template.alarms[alarm.logicalId]!;
      const watched = watchedValues(rule, this.#metrics, this.minute, this.options.reading);
      alarm.state = evaluateAlarm(rule, this.#metrics, this.minute, this.options.reading);
      if (alarm.state !== "ALARM" || !alarm.enabled || this.options.broken.has("alarms")) continue;
      const value = watched.findLast((each) => each !== undefined && breaches(rule, each))!;
      for (const action of rule.actions) this.#follow(action, rule, value);
    }
  }

  #follow(action: string, { threshold }: TemplateAlarm, value: number): void {
    const { group, steps } = this.options.template.policies[action]!;
    const [step] = applyingSteps(steps, value, threshold);
    this.setDesired(group === "ManagerGroup" ? "manager" : "worker", step!.ScalingAdjustment);
  }

  #runScheduled(): void {
    for (const role of ROLES) {
      const actions = this.scheduled[this.groups?.[role].name ?? ""] ?? {};
      for (const [name, minute] of Object.entries(actions)) {
        if (minute > this.minute) continue;
        Reflect.deleteProperty(actions, name);
        if (!this.options.broken.has("scheduled")) this.setDesired(role, 0);
      }
    }
  }

  #resize(role: Role): void {
    const group = this.groups?.[role];
    if (group === undefined) return;
    group.instances.length = Math.min(group.instances.length, group.desired);
    while (group.instances.length < group.desired) {
      const id = `i-${String(this.#launched++).padStart(8, "0")}`;
      group.instances.push({
        id,
        role,
        launched: this.minute,
        hangs: false,
        deployed: false,
        noted: this.minute,
      });
      if (role === "manager") this.managerLaunched = this.minute;
    }
  }

  #measure(): void {
    for (const role of ROLES) {
      const instances = this.groups?.[role].instances;
      if (instances === undefined) continue;
      this.publish(SIZE[role], instances.length);
      if (this.minute % 5 !== 0 || instances.length === 0) continue;
      const isComputing =
        this.isWorking() && (role === "worker" || this.groups!.worker.instances.length === 0);
      this.publish(CPU[role], isComputing ? 90 : 8, 5);
    }
  }

  /** Whether a run is being executed: there is work, a manager with services, and a machine. */
  isWorking(): boolean {
    const manager = this.groups?.manager.instances[0];
    return this.work > 0 && manager !== undefined && manager.deployed && this.hasBooted(manager);
  }
}
