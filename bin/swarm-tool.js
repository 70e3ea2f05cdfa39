#!/usr/bin/env node
import { main } from "../dist/cli/main.js";
import { swarmTool } from "../dist/cli/tool/swarm-tool.js";

process.exitCode = await main(swarmTool, process.argv.slice(2));
