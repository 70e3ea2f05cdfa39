import process from "node:process";
import { planCampaign } from "../../src/campaign/plan/plan.ts";
import { runCampaign } from "../../src/campaign/run/run-campaign.ts";
import { socketConnection } from "../../src/queue/names.ts";
import { openStores } from "../../src/stores/open-stores.ts";

// node ship-client.js STUDY REDIS-SOCKET BUILDS: executes one run on a swarm whose workers do not share this disk. Prints
// events as runall-swarm --json does. MONGO_URL names where sources, builds and results are stored.
const [study = "", redis = "", builds = ""] = process.argv.slice(2);
const url = process.env["MONGO_URL"] ?? "";

await using stores = await openStores({
  builds,
  mongo: { url, onWaiting: (reason) => console.error(reason) },
});
const request = { directory: study, commit: undefined, program: "./tiny" };
await using plan = await planCampaign({ ...request, arguments: ["-c", "Bench", "--runs=1", "--ms=0"] });
const swarm = { queue: socketConnection(redis), ...stores };
const how = { retries: 0, stopOnError: false, detach: false, rerun: true };
for await (const event of runCampaign(plan, swarm, new AbortController().signal, how))
  console.log(JSON.stringify(event));
