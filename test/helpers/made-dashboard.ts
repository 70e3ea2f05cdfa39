import { Hono } from "hono";
import { Access, PROTECTED } from "../../src/dashboard/access.ts";
import { listen } from "../../src/dashboard/listen.ts";
import { liveAnswers } from "../../src/dashboard/live.ts";
import type { Overview, Summary, Swarm } from "../../src/model/dashboard.ts";
import type { CampaignUpdate, Row } from "../../src/dashboard/page/base/data.ts";
import { pageRoutes } from "../../src/dashboard/page-routes.ts";
import { securityHeaders } from "../../src/dashboard/server.ts";
import { UserError } from "../../src/errors.ts";
import { madeRunRoutes } from "./made-run-routes.ts";
import { namePattern } from "../../src/model/name-pattern.ts";

/** A scalar of made runs. */
export interface MadeItem {
  module: string;
  name: string;
  unit: string | null;
  kind: "scalar" | "statistic" | "parameter";
  /** Undefined if the run has no such value. */
  value: (row: Row) => number | undefined;
}

/** A campaign that exists only in a test, and that the test changes. */
export class MadeCampaign {
  readonly variables: string[];
  rows: Row[];
  readonly items: MadeItem[];
  unread = 0;
  swarm: Swarm = madeSwarm();
  readonly #more: Partial<Summary>;

  constructor(
    variables: string[],
    rows: Row[],
    { items = [], ...more }: Partial<Summary> & { items?: MadeItem[] } = {},
  ) {
    this.variables = variables;
    this.rows = rows;
    this.items = items;
    this.#more = more;
  }

  summary(): Summary {
    const states: Record<string, number> = {};
    for (const { state } of this.rows) states[state] = (states[state] ?? 0) + 1;
    const open = (states["queued"] ?? 0) + (states["running"] ?? 0);
    const failed = states["failed"] ?? 0;
    return {
      id: "abcdefgh",
      user: "ada",
      study: "aloha/simulations",
      config: "PureAloha",
      createdAt: 1_700_000_000_000,
      runs: this.rows.length,
      cancelled: false,
      states,
      superseded: {},
      uncollected: 0,
      actions: { cancel: open > 0, retry: open > 0 ? 0 : failed },
      ...this.#more,
    };
  }

  overview(): Overview {
    return { swarm: this.swarm, campaigns: [this.summary()], damaged: [] };
  }

  update(): CampaignUpdate {
    const columns = Object.keys(madeRow(0));
    const rows = this.rows.map((row) => columns.map((name) => row[name as keyof Row]));
    return { swarm: this.swarm, summary: this.summary(), variables: this.variables, columns, rows };
  }

  results(): object {
    const items = this.items.map(({ module, name, unit, kind }) => [module, name, unit, kind]);
    return { runs: this.#ended().length, unread: this.unread, problems: [], items, omitted: 0 };
  }

  values(pattern: string, over: string | undefined): object {
    const matches = namePattern(pattern);
    const items = this.items.filter(({ module, name }) => matches(`${module}.${name}`));
    const series = items.map(({ module, name, unit, value }) => ({
      module,
      name,
      unit,
      values: this.#ended().flatMap((row): [number, number][] => {
        const number = value(row);
        return number === undefined ? [] : [[row.runNumber, number]];
      }),
    }));
    return {
      series: (over === undefined ? series : combined(series)).map(sent),
      unread: this.unread,
      omitted: 0,
    };
  }

  #ended(): Row[] {
    return this.rows.filter(({ state }) => state === "done");
  }
}

interface MadeSeries {
  module: string;
  name: string;
  unit: string | null;
  values: [number, number][];
}

/** Returns the mean over the modules. */
function combined(series: MadeSeries[]): MadeSeries[] {
  const [first] = series;
  if (first === undefined) return [];
  const runs = new Map<number, number[]>();
  for (const { values } of series)
    for (const [run, value] of values) runs.set(run, [...(runs.get(run) ?? []), value]);
  const values = [...runs].map(([run, all]): [number, number] => [
    run,
    all.reduce((a, b) => a + b, 0) / all.length,
  ]);
  return [{ ...first, values }];
}

function sent({ values, ...series }: MadeSeries): object {
  return {
    ...series,
    values: values.map(([run, value]) => [run, Number.isFinite(value) ? value : String(value)]),
  };
}

/** Returns a run that has ended. */
export function madeRow(runNumber: number, more: Partial<Row> = {}): Row {
  return {
    runNumber,
    state: "done",
    values: [],
    repetition: 0,
    startedAt: 1_700_000_000_000,
    finishedAt: 1_700_000_001_000,
    wallTimeMs: 1000 + runNumber,
    cpuTimeMs: 900,
    memoryBytes: 50e6,
    eventsPerSecond: 123_456,
    percent: null,
    error: null,
    supersededBy: null,
    worker: "node1",
    batch: null,
    ...more,
  };
}

/** A dashboard without a swarm: the real page and the form of the real API, with the data of a test. */
export interface MadeDashboard extends AsyncDisposable {
  base: string;
  /** Returns the address of a page, with the token. */
  at: (place: string) => string;
  /** Ends the server and all its connections. */
  stop: () => Promise<void>;
  /** Starts the server again at the same port. */
  start: () => Promise<void>;
  /** Bodies of the requests that change something. */
  posted: string[];
  /** Number of readings of a file that the page has cancelled. */
  cancelled: number;
  /** What the API answers instead of data; undefined for data. */
  trouble: string | undefined;
}

export const MADE_TOKEN = "made-token";

export async function madeDashboard(campaign: MadeCampaign): Promise<MadeDashboard> {
  const app = new Hono();
  const live = liveAnswers((error) => {
    throw error;
  });
  const checked = (answer: () => unknown): Promise<string> =>
    dashboard.trouble === undefined
      ? Promise.resolve(JSON.stringify(answer()))
      : Promise.reject(new UserError(dashboard.trouble));
  const access = new Access(MADE_TOKEN);
  app.use(securityHeaders);
  app.onError((error, context) => context.json({ error: error.message }, 409));
  app.get("/api/campaigns", (context) => live(context, () => checked(() => campaign.overview())));
  app.get("/api/swarm", (context) => live(context, () => checked(() => campaign.swarm)));
  app.get("/api/session", (context) =>
    access.has(context) ? context.json({ actions: true }) : access.refuse(context),
  );
  for (const address of PROTECTED) app.use(`/api${address}`, access.required);
  app.get("/api/campaigns/:id", (context) => live(context, () => checked(() => campaign.update())));
  app.get("/api/campaigns/:id/results", (context) => live(context, () => checked(() => campaign.results())));
  app.get("/api/campaigns/:id/values", (context) => {
    const { pattern = "", over } = context.req.query();
    return live(context, () => checked(() => campaign.values(pattern, over)));
  });
  app.get("/api/campaigns/:id/runs/:run/output", (context) =>
    context.text(
      `OMNeT++ Discrete Event Simulation\nrun ${context.req.param("run")}\n<!> Error: no such host\n`,
    ),
  );
  app.post("/api/campaigns/:id/:action", async (context) => {
    dashboard.posted.push(await context.req.text());
    return context.json({ runs: 3 });
  });
  app.route(
    "/",
    madeRunRoutes(access, () => dashboard.cancelled++),
  );
  app.route("/", pageRoutes());
  let listening = await listen(app, 0);
  const { port, host } = listening;
  const dashboard: MadeDashboard = {
    base: `http://${host}:${port}`,
    at: (place) => `http://${host}:${port}${place}#token=${MADE_TOKEN}`,
    posted: [],
    cancelled: 0,
    trouble: undefined,
    stop: async () => await listening[Symbol.asyncDispose](),
    async start() {
      listening = await listen(app, port);
    },
    [Symbol.asyncDispose]: async () => await listening[Symbol.asyncDispose](),
  };
  return dashboard;
}

/** Returns a swarm of three machines, of which one has stopped and one has gone, and two builds. */
function madeSwarm(): Swarm {
  const machine = { roles: ["runner" as const], storing: 0, isConnected: true, troubles: [] };
  return {
    busy: 6,
    slots: 12,
    slotsOf: { node1: 4, node2: 8 },
    leftMs: 754_000,
    unknown: 0,
    machines: [
      { ...machine, name: "node1", roles: ["runner", "builder"], slots: 4, busy: 4, storing: 1 },
      {
        ...machine,
        name: "node2",
        slots: 8,
        busy: 1,
        troubles: ["the runner has stopped taking jobs: the disk of /var is full"],
      },
      { ...machine, name: "node3", roles: [], busy: 1, isConnected: false },
    ],
    queue: { waiting: 1234, delayed: 20, running: 7, uncollected: 3 },
    builds: [
      {
        state: "running",
        project: "inet",
        mode: "release",
        omnetpp: "6.2.0",
        host: "node1",
        startedAt: 1_700_000_000_000,
        progress: { started: 17, total: 60, file: "Server.cc", elapsedMs: 9000, lastMs: 61_000 },
      },
      { state: "waiting", project: "simu5g", mode: "debug", omnetpp: "6.2.0" },
    ],
  };
}

/** Returns a made campaign on two machines whose runs take different times; some have failed, the last are long. */
export function madeTimeline(runs = 120, { isOver = true, slots = 6 } = {}): MadeCampaign {
  const begin = isOver ? 1_700_000_000_000 : Date.now() - 1_000_000;
  const free = Array.from({ length: slots }, () => begin);
  const rows = Array.from({ length: runs }, (_, run): Row => {
    const slot = free.indexOf(Math.min(...free));
    const isLong = run > runs - 3;
    const length = Math.round((isLong ? 400_000 : 20_000) * (1 + 0.8 * Math.sin(run * 12.9898)));
    const startedAt = free[slot]! + 300;
    free[slot] = startedAt + length;
    const isRunning = !isOver && isLong;
    return madeRow(run, {
      state: isRunning ? "running" : run % 17 === 5 ? "failed" : "done",
      values: [`${run % 5}`, `${run % 3}`],
      startedAt,
      finishedAt: isRunning ? null : free[slot],
      wallTimeMs: isRunning ? null : length,
      cpuTimeMs: isRunning ? null : Math.round(0.95 * length),
      memoryBytes: isRunning ? null : 60e6 + 1e6 * (run % 40),
      eventsPerSecond: 400_000 + 1000 * (run % 70),
      worker: slot < 4 ? "node1" : "node2",
    });
  });
  return new MadeCampaign(["iaMean", "numHosts"], rows);
}

/** Returns a made study of Aloha: two variables, ten repetitions, some errors. */
export function madeAloha({ repetitions = 10, failed = true } = {}): MadeCampaign {
  const rows: Row[] = [];
  for (const iaMean of ["1", "2", "3", "5", "9"])
    for (const numHosts of ["10", "15", "20"])
      for (let repetition = 0; repetition < repetitions; repetition++) {
        const isFailed = failed && iaMean === "1" && numHosts === "20";
        const state = isFailed ? "failed" : iaMean === "9" && repetition > 6 ? "queued" : "done";
        const error = isFailed ? `serviceRate must be positive, at t=${repetition}.5s` : null;
        rows.push(madeRow(rows.length, { values: [iaMean, numHosts], repetition, state, error }));
      }
  return new MadeCampaign(["iaMean", "numHosts"], rows, { items: alohaItems() });
}

function alohaItems(): MadeItem[] {
  const load = ({ values: [iaMean, numHosts] }: Row): number => (0.1 * Number(numHosts)) / Number(iaMean);
  const noise = ({ runNumber }: Row): number => Math.sin(runNumber * 12.9898) * 0.02;
  const utilization = (row: Row): number => load(row) * Math.exp(-2 * load(row)) + noise(row);
  const hosts = Array.from({ length: 20 }, (_, index): MadeItem => ({
    module: `Aloha.host[${index}]`,
    name: "sentPackets:count",
    unit: null,
    kind: "statistic",
    value: (row) => (index < Number(row.values[1]) ? Math.round(1000 * load(row)) + index : undefined),
  }));
  return [
    {
      module: "Aloha.server",
      name: "channelUtilization:last",
      unit: null,
      kind: "statistic",
      value: utilization,
    },
    {
      module: "Aloha.server",
      name: "delay:mean",
      unit: "s",
      kind: "statistic",
      value: (row) => 0.01 + load(row),
    },
    {
      module: "Aloha.server",
      name: "odd",
      unit: null,
      kind: "scalar",
      value: ({ repetition }) => [NaN, Infinity, 0, -1][repetition % 4],
    },
    ...hosts,
  ];
}
