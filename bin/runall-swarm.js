#!/usr/bin/env node
const { start } = require("./start.js");

start("runall-swarm", () => require("../dist/cli/runall/runall-swarm.js").runallSwarm);
