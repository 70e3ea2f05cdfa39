import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { chromium } from "playwright-core";
import { copySample, STAND_IN } from "./sample.js";
import { findProgram, ROOT, runScript, setUp, SetupError } from "./setup.js";
import { terminalPicture } from "./terminal-picture.js";

// npm run docs:images: writes docs/images from a real campaign, with OMNeT++ if it is on PATH, else with its stand-in.

const IMAGES = path.join(ROOT, "docs", "images");
const COLUMNS = 96;
const WINDOW = { width: 1000, height: 860 };
/** @type {readonly (readonly [string, ...string[]])[]} */
const SHOWN = [
  ["runall-swarm", "-c", "Load"],
  ["runall-swarm", "-c", "Load"],
  ["runall-swarm", "list"],
];
const SCALAR = "Mm1.queue.waitingTime:mean";
const USER = userInfo().username;
const HOME = mkdtempSync(path.join(tmpdir(), "swarm-images-"));

await runScript(async () => {
  await setUp({ system: ["redis-server", "git", "make", "chromium"] });
  mkdirSync(IMAGES, { recursive: true });
  const study = copySample(path.join(HOME, "mm1"));
  try {
    let output = "";
    for (const [tool, ...args] of SHOWN) {
      output += `$ ${[tool, ...args].join(" ")}\r\n${await inTerminal(study, tool, args)}`;
    }
    writeFileSync(path.join(IMAGES, "terminal.svg"), terminalPicture(anonymous(output), COLUMNS));
    const address = await inTerminal(study, "swarm-tool", ["dashboard"]);
    await photographDashboard(address.trim());
    return 0;
  } finally {
    await inTerminal(HOME, "swarm-tool", ["remove", "--yes"]);
    rmSync(HOME, { recursive: true, force: true });
  }
});

/**
 * Executes a tool in a pseudo-terminal and returns what it prints there.
 * @param {string} cwd @param {string} tool @param {readonly string[]} args
 */
async function inTerminal(cwd, tool, args) {
  const program = [process.execPath, path.join(ROOT, "bin", `${tool}.js`), ...args];
  const quoted = program.map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(" ");
  const command = `stty cols ${COLUMNS} rows 40 && exec ${quoted}`;
  const child = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
    cwd,
    env: environment(),
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [output, exitCode] = await Promise.all([
    text(child.stdout),
    new Promise((/** @type {(code: unknown) => void} */ resolve, reject) =>
      child.once("error", reject).once("close", resolve),
    ),
  ]);
  if (exitCode !== 0) throw new SetupError(`${tool} ${args.join(" ")} failed: ${output}`);
  return output;
}

/** Returns a text without the name of this user and the home of this run. @param {string} text */
function anonymous(text) {
  const user = new RegExp(String.raw`(?<![\w/])${USER}(?![\w/])`, "g");
  return text.replaceAll(HOME, "~").replaceAll(user, "you".padEnd(USER.length));
}

/** @returns {NodeJS.ProcessEnv} */
function environment() {
  const {
    SWARM: _swarm,
    XDG_STATE_HOME: _state,
    XDG_CACHE_HOME: _cache,
    NO_COLOR: _color,
    ...inherited
  } = process.env;
  const hasSimulator = (findProgram("opp_run") ?? findProgram("opp_run_release")) !== undefined;
  const searchPath = process.env["PATH"] ?? "";
  return {
    ...inherited,
    HOME,
    TERM: "xterm-256color",
    PATH: hasSimulator ? searchPath : `${STAND_IN}${path.delimiter}${searchPath}`,
  };
}

/** @param {string} address with the token, which is not in the picture */
async function photographDashboard(address) {
  const executablePath = findProgram("chromium") ?? findProgram("google-chrome");
  if (executablePath === undefined) throw new SetupError("chromium: not found");
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  try {
    const page = await browser.newPage({ viewport: WINDOW, deviceScaleFactor: 1.5, colorScheme: "light" });
    await page.goto(address);
    await page.getByRole("link", { name: "Load" }).click();
    await page.getByRole("tab", { name: "Results" }).click();
    await page.getByLabel("search scalars").fill(SCALAR);
    await page.getByRole("button", { name: SCALAR }).click();
    await page.getByText("Mean of n =").waitFor();
    const by = page.getByText(`by ${USER}`);
    await by.evaluate(
      (/** @type {{ textContent: string | null }} */ place, /** @type {string} */ text) =>
        void (place.textContent = text),
      anonymous((await by.textContent()) ?? ""),
    );
    await page.screenshot({ path: path.join(IMAGES, "dashboard.png") });
  } finally {
    await browser.close();
  }
}
