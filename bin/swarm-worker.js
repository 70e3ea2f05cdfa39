#!/usr/bin/env node
const { start } = require("./start.js");

start("swarm-worker", () =>
  import("../dist/cli/worker/swarm-worker.js").then(({ swarmWorker }) => swarmWorker),
);
