import path from "node:path";
import * as v from "valibot";
import { writeFileAtomically } from "../system/files.ts";
import { ProcessIdentitySchema } from "../system/identity.ts";
import { readJson } from "../system/json.ts";
import { swarmDirectories } from "./swarm-folders.ts";

/** How to reach a swarm's dashboard. Because of the token, the file is readable only by the user. */
export const DashboardFileSchema = v.object({
  port: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535)),
  /** Loopback host in the dashboard's URL; not written by earlier versions. */
  loopback: v.optional(v.picklist(["localhost", "127.0.0.1", "[::1]"]), "localhost"),
  /** Permits its owner to cancel and retry runs. */
  token: v.string(),
  /** The process that serves the dashboard. */
  ...ProcessIdentitySchema.entries,
});
export type DashboardFile = v.InferOutput<typeof DashboardFileSchema>;

function dashboardFile(name: string): string {
  return path.join(swarmDirectories(name).state, "dashboard.json");
}

/** Returns a swarm's dashboard; undefined if its file is missing or damaged: the dashboard rewrites it on start. */
export async function readDashboardFile(name: string): Promise<DashboardFile | undefined> {
  return await readJson(dashboardFile(name), DashboardFileSchema).catch(() => undefined);
}

/** Writes how to reach a swarm's dashboard. */
export async function writeDashboardFile(name: string, content: DashboardFile): Promise<void> {
  await writeFileAtomically(dashboardFile(name), `${JSON.stringify(content)}\n`, 0o600);
}
