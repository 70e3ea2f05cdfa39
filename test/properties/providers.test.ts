import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { statusLines } from "../../src/cli/tool/io.ts";
import { readNote, readNotes } from "../../src/campaign/collect/notes.ts";
import { parseEntries } from "../../src/project/git/index-entries.ts";
import { describeAws } from "../../src/providers/aws/describe-aws.ts";
import { listMachines, listVolumes } from "../../src/providers/aws/machines.ts";
import type { AwsStatus } from "../../src/providers/aws/status.ts";
import {
  InfoAnswer,
  NodeAnswer,
  parseLines,
  SecretAnswer,
  ServiceAnswer,
  TaskAnswer,
  VersionAnswer,
} from "../../src/providers/docker/answers.ts";
import { describeDocker } from "../../src/providers/docker/describe-docker.ts";
import type { SwarmNode } from "../../src/providers/docker/engine.ts";
import { observeServices } from "../../src/providers/docker/observe.ts";
import { deployedAs, encodeSettings } from "../../src/providers/docker/swarm-settings.ts";
import { readStateIn, StateFileError } from "../../src/providers/state-file.ts";
import type { DockerStatus } from "../../src/providers/target.ts";
import { someCampaign } from "../helpers/campaign.ts";
import { temporaryDirectory, type TemporaryDirectory } from "../helpers/temporary.ts";
import { always, answers, anyJson, damaged, SEED, textWith } from "./outside.ts";

/** Characters that a terminal might interpret, also at the end of a line. */
const DANGEROUS = /[\0-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/; // eslint-disable-line no-control-regex

const SERVICE = {
  ID: "s1",
  Spec: {
    Name: "swarm-s_runner",
    TaskTemplate: {
      ContainerSpec: { Image: "worker:1", Env: ["A=b"] },
      Placement: { Constraints: ["node.role == worker"] },
    },
    Mode: { Replicated: { Replicas: 2 } },
  },
  UpdateStatus: { State: "paused", StartedAt: "2026-01-01", Message: "update paused" },
};
const TASK = {
  ID: "t1",
  Name: "s1.1",
  Node: "n1",
  DesiredState: "Running",
  CurrentState: "Failed 2 minutes ago",
  Error: '"no such image"',
};
const NODE = { ID: "n1", Hostname: "w1", Status: "Ready", Availability: "Active", ManagerStatus: "" };
const INFO = { Swarm: { NodeID: "n1", LocalNodeState: "active", ControlAvailable: true, Error: "" } };
const VERSION = { Server: { ApiVersion: "1.43", Version: "24.0.7" } };
const NODES: SwarmNode[] = [
  { id: "n1", hostname: "w1", role: "worker", status: "Ready", availability: "Active", memoryBytes: 1 },
];
const SCHEMAS = [
  [ServiceAnswer, SERVICE],
  [TaskAnswer, TASK],
  [NodeAnswer, NODE],
  [InfoAnswer, INFO],
  [VersionAnswer, VERSION],
  [SecretAnswer, { Name: "swarm-s-redis" }],
] as const;
/** One JSON text a line, some of them damaged. */
const linesOf = (valid: object): fc.Arbitrary<string> =>
  fc
    .array(fc.oneof(fc.constant(valid), damaged(valid)), { maxLength: 4 })
    .map((all) => all.map((each) => JSON.stringify(each)).join("\n"));
const OUTSIDE = textWith("\x1b[2J", "\x9b", "\u202e", "\n", "Running", "No such image: ");

describe("Docker's answers", () => {
  it("is of the expected form, or refused", () => {
    for (const [schema, valid] of SCHEMAS) {
      expect(parseLines(schema, `${JSON.stringify(valid)}\n`, ["x"])).toHaveLength(1);
      always(linesOf(valid), (text) => answers(() => parseLines(schema, text, ["service", "ls"])));
      always(textWith('{"ID":', "}", "[", "null", JSON.stringify(valid)), (text) =>
        answers(() => parseLines(schema, text, ["service", "ls"])),
      );
    }
  });

  it("contain numbers and texts of services, whatever Docker returns", () => {
    always(fc.tuple(linesOf(SERVICE), linesOf(TASK)), ([services, tasks]) => {
      const observed = answers(() =>
        observeServices(
          parseLines(ServiceAnswer, services, ["service", "inspect"]),
          parseLines(TaskAnswer, tasks, ["stack", "ps"]),
          NODES,
          "swarm-s",
        ),
      );
      for (const { running, desired, name } of observed ?? []) {
        expect([typeof running, typeof desired, typeof name]).toEqual(["number", "number", "string"]);
      }
    });
  });

  it("are shown without control characters, each in one line", () => {
    always(fc.tuple(OUTSIDE, OUTSIDE, OUTSIDE), ([name, reason, hostname]) => {
      const service = structuredClone(SERVICE);
      service.Spec.Name = `swarm-s_${name}`;
      service.UpdateStatus.Message = reason;
      const nodes = [{ ...NODES[0]!, hostname }];
      const services = observeServices([service], [{ ...TASK, Error: reason }], nodes, "swarm-s");
      const status: DockerStatus = {
        name: "s",
        target: "docker",
        state: "broken",
        jobs: undefined,
        docker: "Docker",
        stack: "swarm-s",
        machines: nodes,
        services: services.map(({ trouble, ...each }) => ({ ...each, ...(trouble && { trouble }) })),
        ports: undefined,
      };
      for (const line of statusLines(describeDocker(status), status)) expect(line).not.toMatch(DANGEROUS);
    });
  });

  it("describe how a swarm was deployed, or nothing", () => {
    const settings = { images: { redis: "r" }, build: {} };
    const label = { "inet-swarm.settings": encodeSettings(settings), "inet-swarm.halted": "user" };
    expect(deployedAs(JSON.stringify(label))).toEqual({ settings, halted: true });
    always(damaged(label), (labels) => answers(() => deployedAs(JSON.stringify(labels))));
    always(damaged(settings), (each) =>
      answers(() =>
        deployedAs(JSON.stringify({ ...label, "inet-swarm.settings": encodeSettings(each as never) })),
      ),
    );
    always(textWith("{", "}", ":", '"inet-swarm.settings"'), (text) => answers(() => deployedAs(text)));
  });
});

describe("AWS's answers", () => {
  const instance = {
    InstanceId: "i-1",
    InstanceType: "c7i.large",
    State: { Name: "running" },
    PublicIpAddress: "192.0.2.1",
    LaunchTime: new Date(0),
    Tags: [{ Key: "Name", Value: "s-manager" }],
  };
  const volume = { VolumeId: "v-1", State: "in-use", Size: 8, CreateTime: new Date(0) };
  /** The SDK gives every field the right type, or omits it. */
  const partly = (valid: Record<string, unknown>): fc.Arbitrary<object> =>
    fc.subarray(Object.keys(valid)).map((kept) => Object.fromEntries(kept.map((key) => [key, valid[key]])));
  const sends = (answer: object) => ({ ec2: { send: () => Promise.resolve(answer) } }) as never;

  it("list machines and volumes, also if AWS omits fields", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(partly(instance)), fc.array(partly(volume)), async (instances, volumes) => {
        const machines = await listMachines(sends({ Reservations: [{ Instances: instances }, {}] }), "s");
        const kept = await listVolumes(sends({ Volumes: volumes }), "s");
        for (const { id } of [...machines, ...kept]) expect(typeof id).toBe("string");
      }),
      { seed: SEED },
    );
    expect(await listMachines(sends({}), "s")).toEqual([]);
    expect(await listVolumes(sends({}), "s")).toEqual([]);
  });

  it("are shown without control characters", () => {
    always(OUTSIDE, (trouble) => {
      const status: AwsStatus = {
        name: "s",
        target: "aws",
        state: "running",
        jobs: undefined,
        region: "eu-central-1",
        stack: { name: "swarm-s", status: "CREATE_COMPLETE" },
        machines: [],
        workers: { wanted: 1, inService: 0, trouble },
        volumes: [],
        alarms: [],
        ends: undefined,
        report: undefined,
        warnings: [trouble],
        bootError: trouble,
        tunnel: { open: false },
        cost: { hourly: 1, sinceStart: 1, volumeMonthly: 1, volumeSoFar: 1 },
      };
      for (const line of statusLines(describeAws(status), status)) expect(line).not.toMatch(DANGEROUS);
    });
  });
});

describe("git's index", () => {
  const entry = `100644 ${"a".repeat(40)} 0\ta.cc\0  ctime: 1:2\n  mtime: 3:4\n  dev: 5\tino: 6\n  uid: 7\tgid: 8\n  size: 9\tflags: 0\n`;

  it("is parsed into entries, or refused", () => {
    expect([...parseEntries(entry + entry)]).toHaveLength(2);
    const pieces = [...entry.split(/(?<=[\0\t\n ])/), entry, "160000 ", "\0"];
    always(textWith(...pieces), (text) => answers(() => [...parseEntries(text)]));
    always(fc.tuple(fc.nat(entry.length), fc.string()), ([at, piece]) =>
      answers(() => [...parseEntries(entry + entry.slice(0, at) + piece + entry.slice(at))]),
    );
  });

  it("returns every path that git can have", () => {
    always(fc.string({ unit: "binary" }), (name) => {
      const file = name.replaceAll("\0", "");
      const [first] = parseEntries(entry.replace("a.cc", () => file));
      expect(first).toMatchObject({ path: file, mode: "100644", stage: 0, size: 9 });
    });
  });
});

describe("files of ours that somebody has changed", () => {
  let folder: TemporaryDirectory;
  beforeAll(async () => {
    folder = await temporaryDirectory();
    vi.stubEnv("XDG_STATE_HOME", folder.path);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await folder[Symbol.asyncDispose]();
  });
  const anyText = (valid: object): fc.Arbitrary<string> =>
    fc.oneof(
      damaged(valid).map((each) => JSON.stringify(each)),
      anyJson().map((each) => JSON.stringify(each)),
      textWith("{", "}", '"format":1', JSON.stringify(valid)),
    );

  it("are a swarm's state, or an error that names the file", async () => {
    const identity = { pid: 1, startTime: "1" };
    const state = {
      format: 1,
      name: "s",
      target: "docker",
      state: "running",
      docker: { host: "unix:///x" },
      services: { images: {}, build: {} },
      relay: { ...identity, log: "/x", ports: { redis: 1 } },
    };
    const file = path.join(folder.path, "swarm.json");
    writeFileSync(file, JSON.stringify(state));
    expect(await readStateIn("s", folder.path)).toMatchObject({ name: "s" });
    await fc.assert(
      fc.asyncProperty(anyText(state), async (text) => {
        writeFileSync(file, text);
        const read = await readStateIn("s", folder.path).catch((error: unknown) => error);
        if (read instanceof StateFileError) expect(read.message).toContain(file);
        else expect(read).toMatchObject({ format: 1 });
        expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
      }),
      { seed: SEED, numRuns: 200 },
    );
  });

  it("are a campaign's note, or ignored with a warning", async () => {
    const directory = path.join(folder.path, "inet-swarm/campaigns");
    mkdirSync(directory, { recursive: true });
    const places = { gitTop: "/s", directory: "/s", resultDirectory: "/s/results", outside: [] };
    const note = { format: 1, campaign: someCampaign(), study: places, collected: false };
    const file = path.join(directory, "c1.json");
    writeFileSync(file, JSON.stringify(note));
    expect(await readNote("c1", () => undefined)).toMatchObject({ collected: false });
    await fc.assert(
      fc.asyncProperty(anyText(note), async (text) => {
        writeFileSync(file, text);
        const warnings: string[] = [];
        const read = await readNote("c1", (warning) => warnings.push(warning));
        expect([read === undefined, warnings.length]).toEqual(warnings.length === 0 ? [false, 0] : [true, 1]);
        expect(await readNotes(() => undefined)).toHaveLength(read === undefined ? 0 : 1);
      }),
      { seed: SEED, numRuns: 200 },
    );
  });
});
