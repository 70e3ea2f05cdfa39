#!/usr/bin/env node
const { start } = require("./start.js");

start("runall-swarm", () =>
  import("../dist/cli/runall/runall-swarm.js").then(({ runallSwarm }) => runallSwarm),
);
