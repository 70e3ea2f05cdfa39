#!/usr/bin/env node
const { start } = require("./start.js");

start("swarm-tool", () => import("../dist/cli/tool/swarm-tool.js").then(({ swarmTool }) => swarmTool));
