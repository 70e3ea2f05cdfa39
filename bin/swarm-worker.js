#!/usr/bin/env node
import { main } from "../dist/cli/main.js";
import { swarmWorker } from "../dist/cli/worker/swarm-worker.js";

process.exitCode = await main(swarmWorker, process.argv.slice(2));
