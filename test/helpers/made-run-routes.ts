import { once } from "node:events";
import { Hono } from "hono";
import type { Access } from "../../src/dashboard/access.ts";
import { answerWithProgress } from "../../src/dashboard/progress.ts";
import type { RunDetails } from "../../src/model/dashboard.ts";
import type { Recordings } from "../../src/dashboard/recordings.ts";
import { UserError } from "../../src/errors.ts";
import { DownSampler } from "../../src/model/down-sample.ts";

const FILE = "results/PureAloha-#0.vec";
const MODULE = "Aloha.server";
const VECTORS = ["delay:vector", "queueLength:vector", "endless:vector", "damaged:vector", "empty:vector"];

const DETAILS: RunDetails = {
  worker: "node7",
  attempt: 2,
  seedSet: "12",
  reason: "Simulation time limit reached",
  exitCode: 0,
  events: 1_234_567,
  simTime: "5400",
  commit: "0123456789abcdef0123456789abcdef01234567",
  changedFiles: 3,
  omnetpp: "6.2.0",
  files: [
    { path: FILE, sizeBytes: 165_512_677 },
    { path: "results/PureAloha-#0.sca", sizeBytes: 2979 },
    {
      path: "trace.txt",
      sizeBytes: 12,
      problem: "it is outside the result directory, at /home/ada/aloha/trace.txt",
    },
  ],
  omittedFiles: 0,
  local: {
    command: "cd /home/ada/aloha/simulations && ./aloha -m -u Cmdenv -c PureAloha -r 0",
    notes: ["It writes the same result files as the run, and uses the files of the study as they are now."],
  },
};

/** Nothing is collected on the machine of the dashboard; as on Docker and AWS. */
const ELSEWHERE: RunDetails = {
  files: [],
  omittedFiles: 0,
  filesNote: "The run’s files are not here: they were collected on another machine, or removed.",
  localNote: "The campaign was queued on another machine (laptop): the command line is shown there.",
};

function recordings(): Recordings {
  const facts = { file: FILE, module: MODULE, unit: "s", count: 100_000 };
  return {
    vectors: VECTORS.map((name, id) => ({
      ...facts,
      id,
      name,
      interpolation: id === 1 ? "sample-hold" : null,
    })),
    histograms: ["delay:histogram", "uneven:histogram"].map((name) => ({ ...facts, name })),
    notes: [],
  };
}

/** The part of a made dashboard's API that is about single runs: run 1 has no files there. @param onCancel called when the reading of a file is cancelled. */
export function madeRunRoutes(access: Access, onCancel: () => void): Hono {
  const app = new Hono();
  const fail = (error: Error): never => {
    throw error;
  };
  app.get("/api/campaigns/:id/runs/:run", (context) =>
    context.json(context.req.param("run") === "1" ? ELSEWHERE : DETAILS),
  );
  app.post("/api/campaigns/:id/runs/:run/file", (context) =>
    context.json({ ticket: access.issueTicket(context) }),
  );
  app.get("/api/campaigns/:id/runs/:run/file", (context) =>
    context.body("content", 200, { "Content-Disposition": 'attachment; filename="a.sca"' }),
  );
  app.get("/api/campaigns/:id/runs/:run/recordings", (context) =>
    context.req.param("run") === "1"
      ? context.json(
          { error: "the files of run 1 are not here: they were collected on another machine" },
          409,
        )
      : context.json(recordings()),
  );
  app.get("/api/campaigns/:id/runs/:run/vector", (context) =>
    answerWithProgress(
      context,
      60_000,
      async ({ signal, onProgress }) => {
        const id = Number(context.req.query("id"));
        if (id === 3)
          throw new UserError("cannot read the SQLite file a.vec: database disk image is malformed");
        if (id === 2) {
          onProgress?.(1, 4);
          await once(signal, "abort");
          onCancel();
          signal.throwIfAborted();
        }
        const vector = { ...recordings().vectors[id]!, count: undefined };
        return { vector, ...samples(id === 4 ? 0 : id === 1 ? 40 : 100_000), readPart: id === 0 ? 0.4 : 1 };
      },
      fail,
    ),
  );
  app.get("/api/campaigns/:id/runs/:run/histogram", (context) => {
    const isEven = context.req.query("name") === "delay:histogram";
    const edges = Array.from({ length: 41 }, (_, index) => (isEven ? index / 4 : index ** 2 / 100));
    const values = edges.slice(1).map((edge) => Math.round(500 * edge * Math.exp(-edge)));
    const facts = {
      module: MODULE,
      name: context.req.query("name"),
      unit: "s",
      count: 8000,
      mean: 2,
      stddev: 1.4,
    };
    const answer = { ...facts, underflow: 2, overflow: 7, edges, values };
    return answerWithProgress(context, 60_000, () => Promise.resolve(answer), fail);
  });
  return app;
}

function samples(length: number): object {
  const all = new DownSampler(2000);
  for (let index = 0; index < length; index++)
    all.add(index / 10, 3 + Math.sin(index / 9000) + Math.abs(Math.sin(index * 12.9898)));
  if (length > 0) all.add(length / 10, NaN);
  return all.result();
}
