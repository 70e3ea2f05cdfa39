// CommonJS without recent syntax, so that an old Node.js gets as far as the message, too.

/** @import { Command } from "../src/cli/terminal/command.ts" */

const NODE_NEEDED = require("../package.json").engines.node.replace(/^>=/, "");

/**
 * Runs a tool and sets the exit code of this process. The tool's modules are loaded only by a Node.js that understands
 * them.
 * @param {string} name
 * @param {() => Command} load
 */
exports.start = function start(name, load) {
  if (!isRecentEnough(process.versions.node, NODE_NEEDED)) {
    console.error(
      `${name}: Node.js ${NODE_NEEDED} or later is needed, this is ${process.versions.node}\n` +
        "hint: install a later one: https://nodejs.org/en/download",
    );
    process.exitCode = 2;
    return;
  }
  let hasEnded = false;
  process.once("exit", () => {
    if (hasEnded) return;
    console.error(`${name}: this is a bug: the command has not ended`); // nothing is left that could wake it up
    process.exitCode = 3;
  });
  const { main } = require("../dist/cli/main.js");
  void main(load(), process.argv.slice(2))
    .then((exitCode) => (process.exitCode = exitCode))
    .finally(() => (hasEnded = true));
};

/**
 * @param {string} version
 * @param {string} needed
 */
function isRecentEnough(version, needed) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [neededMajor = 0, neededMinor = 0] = needed.split(".").map(Number);
  return major > neededMajor || (major === neededMajor && minor >= neededMinor);
}
