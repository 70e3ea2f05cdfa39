import path from "node:path";
import * as v from "valibot";
import { writeFileAtomically } from "../system/files.ts";
import { ProcessIdentitySchema } from "../system/identity.ts";
import { readJson } from "../system/json.ts";
import { swarmDirectories } from "./swarm-folders.ts";

/** Where the dashboard of a swarm is; readable by its user alone, because of the token. */
export const DashboardFileSchema = v.object({
  port: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535)),
  /** What a browser calls the machine; earlier versions had none. */
  loopback: v.optional(v.picklist(["localhost", "127.0.0.1", "[::1]"]), "localhost"),
  /** Who has it may cancel and retry. */
  token: v.string(),
  /** The process that serves it. */
  ...ProcessIdentitySchema.entries,
});
export type DashboardFile = v.InferOutput<typeof DashboardFileSchema>;

function dashboardFile(name: string): string {
  return path.join(swarmDirectories(name).state, "dashboard.json");
}

/** @returns undefined also if the file is damaged: the dashboard writes it again when it starts. */
export async function readDashboardFile(name: string): Promise<DashboardFile | undefined> {
  return await readJson(dashboardFile(name), DashboardFileSchema).catch(() => undefined);
}

export async function writeDashboardFile(name: string, content: DashboardFile): Promise<void> {
  await writeFileAtomically(dashboardFile(name), `${JSON.stringify(content)}\n`, 0o600);
}
