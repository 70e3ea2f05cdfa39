#!/usr/bin/env node
const { start } = require("./start.js");

start("swarm-worker", () => require("../dist/cli/worker/swarm-worker.js").swarmWorker);
