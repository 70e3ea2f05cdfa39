import { writeFileSync } from "node:fs";
import path from "node:path";
import { toJsonSchema } from "@valibot/to-json-schema";
import { CampaignEventSchema } from "../dist/model/events.js";
import { RunRecordSchema } from "../dist/model/result.js";
import { SwarmFileSchema } from "../dist/model/swarm-file.js";
import { ROOT } from "./setup.js";

/** The published schemas, which this script writes. A test checks that they are up to date. */
const published = {
  "events.schema.json": {
    title: "An event of a campaign: one line of runall-swarm --json",
    schema: CampaignEventSchema,
  },
  "record.schema.json": { title: "The record of a run: .swarm/CONFIG-RUN.json", schema: RunRecordSchema },
  "swarm.schema.json": {
    title: "swarm.json: what a project says of itself, in place of what is found",
    schema: SwarmFileSchema,
  },
};
for (const [name, { title, schema }] of Object.entries(published)) {
  const text = JSON.stringify({ title, ...toJsonSchema(schema) }, undefined, 2);
  writeFileSync(path.join(ROOT, "docs", name), `${text}\n`);
}
