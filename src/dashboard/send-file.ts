import type { Context } from "hono";
import type { FileHandle } from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";
import { UserError } from "../errors.ts";
import type { Campaign } from "../model/campaign.ts";
import type { DashboardSources } from "./sources.ts";

/**
 * Answers a request with a file of a collected run.
 * @param name as in the run's record.
 * @throws {UserError} if the run has no such file, or it cannot be handed out.
 */
export async function sendFile(
  context: Context,
  campaign: Campaign,
  runNumber: number,
  name: string,
  sources: Pick<DashboardSources, "folder" | "openFile">,
): Promise<Response> {
  const handle = await openFileOf(campaign, runNumber, name, sources);
  const { size } = await handle.stat();
  const headers = {
    "Content-Type": "application/octet-stream",
    "Content-Length": String(size),
    "Content-Disposition": disposition(path.basename(name)),
    "Cache-Control": "no-store",
  };
  if (context.req.method === "HEAD" || size === 0) {
    await handle.close();
    return context.body(null, 200, headers);
  }
  const content = handle.createReadStream({ start: 0, end: size - 1 }); // closes the file
  content.on("error", () => undefined); // the connection is closed, and the browser reports it
  return context.body(Readable.toWeb(content) as ReadableStream, 200, headers);
}

/**
 * Opens a file of a collected run.
 * @param name as in the run's record.
 * @throws {UserError} if the run has no such file, or it cannot be handed out.
 */
export async function openFileOf(
  campaign: Campaign,
  runNumber: number,
  name: string,
  sources: Pick<DashboardSources, "folder" | "openFile">,
): Promise<FileHandle> {
  const record = (await sources.folder(campaign))?.record(campaign, runNumber);
  if (record !== undefined) return await sources.openFile(campaign, record, name);
  throw new UserError(
    `run ${runNumber} has no files here: it has not ended, or it was not collected on this machine`,
  );
}

/**
 * Returns the header by which a browser saves a file under its own name and never shows it.
 * @see RFC 6266, and RFC 8187 for names that are not ASCII.
 */
export function disposition(name: string): string {
  const plain = name.replace(/[^\w .,=#+()-]/g, "_");
  const encoded = encodeURIComponent(name.replace(/\p{Surrogate}/gu, "_")).replace(
    /['()*!]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
