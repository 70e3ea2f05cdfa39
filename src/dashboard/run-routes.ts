import { Hono, type Context } from "hono";
import { UserError } from "../errors.ts";
import { wholeNumberIn } from "../model/whole-number.ts";
import type { ReadControl } from "../omnetpp/byte-lines.ts";
import type { NamedRun } from "../omnetpp/run-values.ts";
import type { QueueWatch } from "../queue/watch.ts";
import type { Access } from "./access.ts";
import type { Campaigns } from "./campaigns.ts";
import { outputOf } from "./output.ts";
import { answerWithProgress } from "./progress.ts";
import { histogramOf, listRecordings, vectorOf } from "./recordings.ts";
import { detailsOf } from "./run-details.ts";
import { withRunFiles, type RunFiles } from "./run-files.ts";
import { openFileOf, sendFile } from "./send-file.ts";
import type { DashboardSources } from "./sources.ts";
import { Turns } from "./turns.ts";

/** Time limits of reading lists, and of reading the values of a vector or histogram. */
const LIST_MS = 10_000;
const VALUES_MS = 60_000;

type RunContext = Context<object, "/campaigns/:id/runs/:run">;

/** Returns the routes of the API for single runs: what is known about them, their output, files, vectors and histograms. */
export function runRoutes(
  campaigns: Campaigns,
  queue: QueueWatch,
  {
    sources,
    access,
    onError,
  }: { sources: DashboardSources; access: Access; onError: (error: Error) => void },
): Hono {
  const app = new Hono();
  const turns = new Turns(4);
  const readings = new Turns(2); // of large files
  const runOf = async (context: RunContext) => {
    const { campaign } = await campaigns.view(context.req.param("id"));
    const runNumber = wholeNumberIn(context.req.param("run"));
    if (runNumber === undefined) throw new UserError("no such run");
    return { campaign, runNumber };
  };
  /** Answers with what is read from the files of a run. */
  const answer = async (
    context: RunContext,
    limitMs: number,
    read: (files: RunFiles, run: NamedRun, control: ReadControl) => Promise<object>,
  ): Promise<Response> => {
    const { campaign, runNumber } = await runOf(context);
    const run = { config: campaign.config, runNumber };
    const work = (control: ReadControl): Promise<object> =>
      readings.take(async () => {
        control.signal.throwIfAborted(); // it may have waited for a long time
        return await withRunFiles(campaign, runNumber, { queue, sources }, (files) =>
          read(files, run, control),
        );
      });
    return await answerWithProgress(context, limitMs, work, onError);
  };

  app.get("/campaigns/:id/runs/:run", async (context) => {
    const { campaign, runNumber } = await runOf(context);
    return context.json(await turns.take(() => detailsOf(campaign, runNumber, queue, sources)));
  });
  app.get("/campaigns/:id/runs/:run/output", async (context) => {
    const { campaign, runNumber } = await runOf(context);
    return context.text(await turns.take(() => outputOf(campaign, runNumber, queue, sources)));
  });
  app.get("/campaigns/:id/runs/:run/file", async (context) => {
    const { campaign, runNumber } = await runOf(context);
    return await sendFile(context, campaign, runNumber, named(context, "path"), sources);
  });
  app.post("/campaigns/:id/runs/:run/file", async (context) => {
    const { campaign, runNumber } = await runOf(context);
    const file = await openFileOf(campaign, runNumber, named(context, "path"), sources);
    await file.close(); // it was opened to tell in advance why it cannot be had
    return context.json({ ticket: access.issueTicket(context) });
  });
  app.get("/campaigns/:id/runs/:run/recordings", (context) => answer(context, LIST_MS, listRecordings));
  app.get("/campaigns/:id/runs/:run/vector", (context) => {
    const file = named(context, "file");
    const id = wholeNumberIn(named(context, "id"));
    if (id === undefined) throw new UserError("id is not the number of a vector");
    return answer(context, VALUES_MS, (files, run, control) => vectorOf(files, run, { file, id }, control));
  });
  app.get("/campaigns/:id/runs/:run/histogram", (context) => {
    const wanted = {
      file: named(context, "file"),
      module: named(context, "module"),
      name: named(context, "name"),
    };
    return answer(context, VALUES_MS, (files, run, control) => histogramOf(files, run, wanted, control));
  });
  return app;
}

/** Returns a parameter of a request. @throws {UserError} if it is missing. */
function named(context: Context, name: string): string {
  const value = context.req.query(name) ?? "";
  if (value === "") throw new UserError(`the parameter ${name} is missing`);
  return value;
}
