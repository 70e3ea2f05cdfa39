#!/usr/bin/env node
const { start } = require("./start.js");

start("swarm-tool", () => require("../dist/cli/tool/swarm-tool.js").swarmTool);
