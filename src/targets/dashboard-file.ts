import path from "node:path";
import * as v from "valibot";
import { UserError } from "../errors.ts";
import { writeFileAtomically } from "../system/files.ts";
import { ProcessIdentitySchema } from "../system/identity.ts";
import { readJson } from "../system/json.ts";
import { swarmDirectories } from "./swarm-folders.ts";

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

/** One that is damaged is as good as none: the dashboard writes it when it starts. */
export async function readDashboardFile(name: string): Promise<DashboardFile | undefined> {
  try {
    return await readJson(dashboardFile(name), DashboardFileSchema);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

export async function writeDashboardFile(name: string, content: DashboardFile): Promise<void> {
  await writeFileAtomically(dashboardFile(name), `${JSON.stringify(content)}\n`, 0o600);
}
