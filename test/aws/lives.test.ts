import fc from "fast-check";
import { rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { listLeftovers } from "../../src/providers/aws/leftovers.ts";
import { existingAws } from "../../src/providers/aws/swarm.ts";
import { READINGS } from "../helpers/alarms/alarm-model.ts";
import { alarmTemplate, type AlarmTemplate } from "../helpers/alarms/alarm-template.ts";
import { Account, type Thing, type Way } from "../helpers/lives/account.ts";
import { ClientLost, fakeClients } from "../helpers/lives/fake-clients.ts";
import { Simulation, type Action, type Life } from "../helpers/lives/life.ts";
import { Limits } from "../helpers/lives/limits.ts";
import { watchdogLimits, type Watchdogs } from "../helpers/lives/watchdogs.ts";
import { readSwarmTemplate, Resolver } from "../helpers/resolved-template.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

/** LIVES is the number of lives (10000 for all that the project promises), SEED determines them. */
const { LIVES = "200", SEED = "22" } = process.env;
const [IDLE, HOURS] = [
  [10, 15, 30, 60],
  [1, 2, 3, 5],
] as const;
const WAYS: Way[] = ["alarms", "scheduled", "watchdogs"];

const THINGS: Thing[] = [
  { kind: "volume", id: "vol-data" },
  { kind: "volume", id: "vol-root" },
  { kind: "address", id: "203.0.113.9" },
  { kind: "snapshot", id: "snap-1" },
  { kind: "network", id: "vpc-1" },
];
/** A value that most lives do not have. */
const sometimes = <T, N>(most: N, value: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 9, arbitrary: fc.constant(most) }, { weight: 1, arbitrary: value });
/** What AWS cannot delete. */
const left = sometimes(undefined, fc.subarray(THINGS));
/** Number of calls, of which a client makes up to about 100. */
const calls = fc.oneof(fc.constant(Infinity), fc.nat(100));

const life = fc.record({
  idle: fc.constantFrom(...IDLE),
  maxHours: fc.constantFrom(...HOURS),
  reading: fc.constantFrom(...READINGS),
  broken: fc.subarray(WAYS, { maxLength: 2 }),
  work: fc.oneof(fc.constant(0), fc.nat(300), fc.nat(3000)),
  workers: fc.nat(3),
  deploys: fc.boolean(),
  creationLeaves: left,
  deletionLeaves: left,
  client: fc.record({
    lostAfter: calls,
    expiredAfter: calls,
    skew: fc.integer({ min: -600, max: 600 }),
  }),
  trouble: fc.option(
    fc.record({
      kind: fc.constantFrom("crash" as const, "hang" as const),
      after: fc.integer({ min: 1, max: 400 }),
    }),
    { nil: undefined },
  ),
  commands: fc.array(
    fc.record({
      after: fc.nat(200),
      action: fc.constantFrom<Action>("halt", "resume", "resume", "scale", "look", "remove"),
    }),
    { maxLength: 5 },
  ),
});
const SWARM = "life";
const NO_FAULTS = { lostAfter: Infinity, expiredAfter: Infinity, skew: 0 };
type RandomLife = typeof life extends fc.Arbitrary<infer T> ? T : never;

describe("a swarm on AWS", () => {
  const templates: Record<string, { template: AlarmTemplate; watchdogs: Watchdogs }> = {};
  const alarmNames: Record<string, string> = {};
  let home: Awaited<ReturnType<typeof temporaryDirectory>>;

  beforeAll(async () => {
    home = await temporaryDirectory("swarm-lives-");
    vi.stubEnv("XDG_STATE_HOME", home.path);
    vi.stubEnv("XDG_CACHE_HOME", home.path);
    const { Resources, ...rest } = await readSwarmTemplate();
    const resolver = new Resolver({ Resources, ...rest }, { SwarmName: SWARM });
    for (const [name, { Type, Properties }] of Object.entries(Resources))
      if (Type === "AWS::CloudWatch::Alarm")
        alarmNames[String(resolver.resolve(Properties["AlarmName"]))] = name;
    for (const idle of IDLE) {
      for (const hours of HOURS) {
        const parameters = { IdleMinutes: String(idle), LifePeriods: String(hours + 1) };
        templates[`${idle} ${hours}`] = {
          template: await alarmTemplate(parameters),
          watchdogs: await watchdogLimits(idle, hours),
        };
      }
    }
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await home[Symbol.asyncDispose]();
  });

  const numRuns = Number(LIVES);
  it(
    `stops in each of ${LIVES} lives, and nothing is billed unnoticed (seed ${SEED})`,
    { timeout: 60_000 + numRuns * 200 },
    async () => {
      await fc.assert(
        fc.asyncProperty(life, async (random) => {
          await expectEnd(random);
        }),
        {
          seed: Number(SEED),
          numRuns,
          endOnFailure: numRuns > 1000,
        },
      );
    },
  );

  /** Lets a swarm live, and throws if it breaks a promise. */
  async function expectEnd({
    idle,
    reading,
    broken,
    work,
    creationLeaves,
    deletionLeaves,
    ...rest
  }: RandomLife) {
    // Without any way that works, a swarm runs until its user returns.
    const isHopeless =
      broken.includes("alarms") && broken.includes("scheduled") && rest.trouble?.kind === "hang";
    const made: Life = { ...rest, trouble: isHopeless ? undefined : rest.trouble };
    const options = { ...templates[`${idle} ${rest.maxHours}`]!, reading, broken: new Set(broken), work };
    const account = new Account({ ...options, creationLeaves, deletionLeaves, alarmNames });
    const limits = new Limits(account, made, broken);
    await rm(home.path, { recursive: true, force: true });
    let ended = 0;
    const simulation = new Simulation(account, made, {
      minute: () => {
        const violation = limits.violation(idle);
        if (violation !== undefined) throw new Error(violation);
        if (account.running.length > 0) ended = account.minute;
      },
      ended: (action, error) => expectNamed(account, action, error),
      seen: ({ machines }) =>
        expect(machines.map(({ id }) => id)).toEqual(account.running.map(({ id }) => id)),
    });
    await simulation.run();
    expect(account.running).toEqual([]);
    const { clients } = fakeClients(account, SWARM, NO_FAULTS);
    const listed = (await listLeftovers(clients, SWARM)).join("\n");
    for (const id of account.billed) expect(listed).toContain(id);
    const removal = await simulation.removeLater().catch((error: unknown) => error as Error);
    await expectNamed(account, "remove", removal ?? undefined);
    return { ended, lastWord: account.lastWord };
  }

  /** After a command, nothing is billed, or it says what is. */
  async function expectNamed(
    account: Account,
    action: Action | "init",
    error: Error | undefined,
  ): Promise<void> {
    if (action === "remove" && error === undefined) expect(account.billed).toEqual([]);
    if (action === "halt" && error === undefined) expect(account.running).toEqual([]);
    if (error === undefined || error instanceof ClientLost) return;
    // By this, `resume` knows that its machines are running and cost money, and says so.
    if (action === "resume" && account.groups?.manager.desired === 1)
      expect(await existingAws(SWARM)).toMatchObject({ state: "running" });
    const isFinal = action === "remove" || (action === "init" && account.groups === undefined);
    if (!isFinal || !("hint" in error)) return;
    const text = `${error.message}\n${String(error.hint)}`;
    for (const id of account.billed) expect(text, `${action}: ${text}`).toContain(id);
  }

  const LONELY: RandomLife = {
    ...{ idle: 10, maxHours: 2, reading: READINGS[0]!, broken: [], work: 0, workers: 1, deploys: true },
    ...{ creationLeaves: undefined, deletionLeaves: undefined, trouble: undefined, commands: [] },
    client: NO_FAULTS,
  };

  it.each([
    {
      name: "its alarms, when it is idle",
      broken: ["scheduled", "watchdogs"],
      work: 0,
      after: 10,
      until: 40,
    },
    {
      name: "its alarms, when its time is over",
      broken: ["scheduled", "watchdogs"],
      work: 9999,
      after: 120,
      until: 205,
    },
    { name: "its scheduled actions", broken: ["alarms", "watchdogs"], work: 0, after: 120, until: 122 },
    { name: "its watchdog, when it is idle", broken: ["alarms", "scheduled"], work: 0, after: 70, until: 90 },
    {
      name: "its watchdog, when its time is over",
      broken: ["alarms", "scheduled"],
      work: 9999,
      after: 180,
      until: 190,
    },
  ] as const)("is ended by $name", async ({ broken, work, after, until }) => {
    const { ended, lastWord } = await expectEnd({ ...LONELY, broken: [...broken], work });
    expect(ended - lastWord).toBeGreaterThanOrEqual(after - 1);
    expect(ended - lastWord).toBeLessThanOrEqual(until);
  });

  it.each(["lostAfter", "expiredAfter"] as const)(
    "stops, and says what is billed, whichever call is the client's last one (%s)",
    { timeout: 120_000 },
    async (fault) => {
      const commands = (["halt", "resume", "remove"] as const).map((action) => ({ after: 5, action }));
      for (let calls = 1; calls <= 100; calls++)
        await expectEnd({ ...LONELY, commands, client: { ...NO_FAULTS, [fault]: calls } });
    },
  );

  it("would be found to run for ever, if nothing ended it", async () => {
    await expect(expectEnd({ ...LONELY, broken: WAYS })).rejects.toThrow(
      /machines run 2\d\d minutes after the client's/,
    );
  });
});
