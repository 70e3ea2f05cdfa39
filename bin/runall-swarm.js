#!/usr/bin/env node
import { main } from "../dist/cli/main.js";
import { runallSwarm } from "../dist/cli/runall/runall-swarm.js";

process.exitCode = await main(runallSwarm, process.argv.slice(2));
