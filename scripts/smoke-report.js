import { hostname, homedir, userInfo } from "node:os";

/** @typedef {"ok" | "failed" | "interrupted" | "skipped"} Outcome */
/**
 * @typedef {object} Step
 * @property {string} what
 * @property {Date} startedAt
 * @property {number} seconds
 * @property {Outcome} outcome
 * @property {string} details
 * @property {string} [error] the whole error, with the command and the end of its output.
 */
/**
 * @typedef {object} Report
 * @property {[name: string, value: string][]} facts
 * @property {readonly Step[]} steps
 * @property {string} billing what may still be billed.
 */
/** @typedef {{ home: string, user: string, host: string }} Private */

/** Names of users that are words, or the same on many machines. */
const COMMON_USERS = ["root", "user", "admin", "ubuntu", "ec2-user"];

/**
 * Patterns of what must not be published, and what replaces them.
 * @see IAM User Guide, "Unique identifiers", for the prefixes of keys.
 * @type {readonly (readonly [RegExp, string])[]}
 */
const SECRETS = [
  [/\b\d{12}\b|\b\d{4}-\d{4}-\d{4}\b/g, "ACCOUNT"],
  [/\b(?:AKIA|ASIA|AIDA|AROA)[A-Z0-9]{12,}\b/g, "KEY"],
  [/\b(?=[A-Za-z+/]*[0-9])(?=[a-z0-9+/]*[A-Z])(?=[A-Z0-9+/]*[a-z])[A-Za-z0-9+/]{40,}=*/g, "SECRET"],
  [/\bSHA256:[A-Za-z0-9+/=]+/g, "FINGERPRINT"],
  [/\b(\w*(?:token|passw(?:or)?d|secret\w*)=)[^\s&]+/gi, "$1SECRET"],
  [/\/\/[^\s/@]+@/g, "//USER@"],
  [/\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g, "MAIL"],
  [/:(user|assumed-role|federated-user)\/[^\s"',]+/g, ":$1/USER"],
  [/(--profile )\S+/g, "$1PROFILE"],
  [/\b(?:ip|ec2)(?:-\d{1,3}){4}[\w.-]*/g, "ADDRESS"],
  [/\b\d{1,3}(?:\.\d{1,3}){3}(?:\/\d{1,2})?\b/g, "ADDRESS"],
  [/(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{1,4}(?![\w:])(?<!(?<![\w:])\d\d:\d\d:\d\d)/gi, "ADDRESS"],
];

/**
 * Returns a text without account numbers, keys, addresses and names of the user.
 * @param {string} text
 * @param {Private} [own]
 */
export function publishable(
  text,
  own = { home: homedir(), user: userInfo().username, host: hostname().split(".")[0] ?? "" },
) {
  let result = own.home.length > 1 ? text.replaceAll(own.home, "~") : text;
  for (const [pattern, replacement] of SECRETS) result = result.replaceAll(pattern, replacement);
  if (!COMMON_USERS.includes(own.user)) result = replaceWord(result, own.user, "USER");
  return replaceWord(result, own.host, "HOST");
}

/** @param {string} text @param {string} word @param {string} replacement */
function replaceWord(text, word, replacement) {
  if (word.length < 3) return text; // it would be found in words of the messages
  const literal = word.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  return text.replaceAll(new RegExp(String.raw`(?<![\w-])${literal}(?![\w-])`, "g"), replacement);
}

/** Returns a report in Markdown, to paste into an issue. @param {Report} report */
export function formatReport({ facts, steps, billing }) {
  const failed = steps.filter(({ error }) => error !== undefined);
  const lines = [
    "## Smoke test on AWS",
    "",
    ...facts.map(([name, value]) => `- ${name}: ${oneLine(value)}`),
    "",
    "| step | started (UTC) | time | outcome | details |",
    "| --- | --- | --- | --- | --- |",
    ...steps.map(
      ({ what, startedAt, seconds, outcome, details }) =>
        `| ${[what, startedAt.toISOString().slice(11, 19), duration(seconds), outcome, cell(details)].join(" | ")} |`,
    ),
    "",
    billing,
    ...failed.flatMap(({ what, error = "" }) => ["", `### ${what}`, "", ...fenced(error)]),
  ];
  return `${lines.join("\n")}\n`;
}

/** @param {number} seconds */
function duration(seconds) {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** @param {string} text */
const oneLine = (text) => publishable(text).trim().replaceAll(/\s+/g, " ");
/** @param {string} text */
const cell = (text) => oneLine(text).replaceAll("|", String.raw`\|`);

/** Returns the lines of a code block, with a fence that the text does not contain. @param {string} text */
function fenced(text) {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(longest + 1);
  return [`${fence}text`, publishable(text).trimEnd(), fence];
}
