import path from "node:path";
import * as v from "valibot";
import { writeFileAtomically } from "../system/files.ts";
import { ProcessIdentitySchema } from "../system/identity.ts";
import { readJson } from "../system/json.ts";
import { swarmDirectories } from "./swarm-state.ts";

/** Where the dashboard of a swarm is; readable by its user alone, because of the token. */
export const DashboardFileSchema = v.object({
  port: v.number(),
  /** Who has it may cancel and retry. */
  token: v.string(),
  /** The process that serves it. */
  ...ProcessIdentitySchema.entries,
});
export type DashboardFile = v.InferOutput<typeof DashboardFileSchema>;

function dashboardFile(name: string): string {
  return path.join(swarmDirectories(name).state, "dashboard.json");
}

export function readDashboardFile(name: string): Promise<DashboardFile | undefined> {
  return readJson(dashboardFile(name), DashboardFileSchema);
}

export async function writeDashboardFile(name: string, content: DashboardFile): Promise<void> {
  await writeFileAtomically(dashboardFile(name), `${JSON.stringify(content)}\n`, 0o600);
}
